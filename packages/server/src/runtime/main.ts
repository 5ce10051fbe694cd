// The program: command line in, exit code out. Knows signals and the standard streams.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ListenError } from '../transport/listeners.ts'
import { parseCommandLine } from './command-line.ts'
import { createLog, type Log } from './log.ts'
import { EX_NOUSER, UserError } from './privileges.ts'
import { LimitError } from './process-limits.ts'
import { type Server, startServer } from './server.ts'
import type { Settings } from './settings.ts'
import { StartError } from './start-error.ts'
import { SERVER_VERSION } from './version.ts'

/** As memcached exits when the system refuses it something (EX_OSERR). */
const EX_OSERR = 71
/** Set for the process that `-d` leaves behind: it is the daemon, and serves. */
const DAEMON_VARIABLE = 'MEMSHARD_DAEMON'
/** What the daemon tells the process that started it; any other message says why it can't serve. */
const SERVING = 'serving'

export async function main(argv: readonly string[]): Promise<void> {
  const command = parseCommandLine(argv, process.env)
  if (command.kind === 'print') {
    process.stdout.write(command.text)
  } else if (command.kind === 'refuse') {
    process.stderr.write(`${command.message}\n`)
    process.exitCode = command.exitCode
  } else if (command.settings.daemonize && process.env[DAEMON_VARIABLE] === undefined) {
    process.exitCode = await startDaemon(argv)
  } else {
    // A daemon keeps no directory busy, unless a core file is to be left in it.
    if (process.env[DAEMON_VARIABLE] !== undefined && !command.settings.coreDumpsEnabled) {
      process.chdir('/')
    }
    const log = createLog(command.settings)
    for (const warning of command.warnings) log.warn(warning)
    await serve(command.settings, log)
  }
}

async function serve(settings: Settings, log: Log): Promise<void> {
  let server: Server | undefined
  let reloadAsked = false
  let stopAsked: { readonly graceful: boolean } | undefined
  // Before anything else: a signal may come while the server starts, or when it has just begun to serve.
  process.on('SIGTERM', () => stop('SIGTERM', false))
  process.on('SIGINT', () => stop('SIGINT', false))
  process.on('SIGUSR1', () => stop('SIGUSR1', true))
  process.on('SIGHUP', () => {
    log.info('SIGHUP: reloading')
    reloadAsked = true
    server?.reload()
  })
  function stop(signal: string, graceful: boolean): void {
    log.info({ signal, graceful }, 'stopping')
    stopAsked = { graceful }
    server?.stop(graceful)
  }
  try {
    server = await startServer(settings, log)
  } catch (error) {
    process.exitCode = exitCodeFor(error)
    await complain(error instanceof Error ? error.message : String(error))
    return
  }
  log.info({ addresses: server.addresses, version: SERVER_VERSION }, 'serving')
  if (process.env[DAEMON_VARIABLE] !== undefined) {
    process.send?.(SERVING)
    process.disconnect?.()
  }
  if (reloadAsked) server.reload()
  // Threads that wait for the kernel can't be ended from outside, only asked: so a stop waits for the start.
  if (stopAsked !== undefined) server.stop(stopAsked.graceful)
  try {
    await server.closed
  } catch (error) {
    // A thread that failed may have left the cache half changed: a cache may die, it must not lie.
    log.fatal({ err: error }, 'a thread failed')
    server.stop(false)
    process.exit(1)
  }
  log.info('stopped')
  process.exit(0)
}

function exitCodeFor(error: unknown): number {
  if (error instanceof UserError) return EX_NOUSER
  if (error instanceof ListenError || error instanceof StartError || error instanceof LimitError) {
    return EX_OSERR
  }
  return 1
}

/** Says why the server can't serve: on stderr, or, as a daemon, to the process that started it. */
function complain(message: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.env[DAEMON_VARIABLE] === undefined || process.send === undefined) {
      process.stderr.write(`${message}\n`, () => resolve())
    } else {
      process.send(message, () => resolve())
    }
  })
}

/** `-d`: a process of its own session serves; this one waits until it does, and reports how it went. */
async function startDaemon(argv: readonly string[]): Promise<number> {
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
