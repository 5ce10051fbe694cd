// `-d`: a process of its own session serves; the one that was started waits until it does, and reports how that
// went. Knows processes and what the two tell each other, nothing of serving.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { DAEMON_VARIABLE, SERVING } from './daemon-process.ts'

/** Starts the daemon with the same arguments; resolves with the exit code of the process that started it. */
export async function startDaemon(argv: readonly string[]): Promise<number> {
  const program = fileURLToPath(new URL('../../bin/memshard-server', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, program, ...argv], {
    detached: true,
    // None of ours: whoever waits for the end of our output must not wait for the daemon's.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [DAEMON_VARIABLE]: '1' },
  })
  const failed = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : 1))
  const serving = once(child, 'message').then(([message]) => {
    if (message === SERVING) return 0
    process.stderr.write(`${message}\n`)
    return failed
  })
  const code = await Promise.race([serving, failed])
  if (child.connected) child.disconnect()
  child.unref()
  return code
}
