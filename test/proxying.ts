// Starts `memshard proxy` for the tests: from flags, or from the text of a file. Knows how to await, reload and stop it.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { REPOSITORY } from './repository.ts'
import { Wire } from './wire.ts'

export const MEMSHARD = join(REPOSITORY, 'packages/client/bin/memshard')

export interface RunningProxy extends AsyncDisposable {
  readonly host: '127.0.0.1'
  /** Of its first TCP listener. */
  readonly port: number
  readonly pid: number
  readonly address: string
  /** Where it tells of itself now, by what it has told. */
  adminPort(): number
  /** What it has told so far. */
  output(): string
  /** Resolves when it has told something that matches, after what it has told before this call. */
  told(pattern: RegExp, since?: number): Promise<void>
  /** Replaces the file and has it read again. Resolves when the proxy has said how that went. */
  reload(yaml: string): Promise<string>
  connect(): Promise<Wire>
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

export type ProxyOptions = ({ readonly flags: readonly string[] } | { readonly yaml: string }) & {
  /** For Node. */
  readonly nodeFlags?: readonly string[]
}

const DEADLINE_MS = 40_000

/** With flags it listens on a port of its own choice; a file says it itself (`listen: 127.0.0.1:0`). */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'memshard-proxy-'))
  const file = join(directory, 'proxy.yml')
  if ('yaml' in options) await writeFile(file, options.yaml)
  const args =
    'yaml' in options ? ['--config', file] : [...options.flags, '--listen', '127.0.0.1:0']
  const child = spawn(
    process.execPath,
    [...(options.nodeFlags ?? []), MEMSHARD, 'proxy', ...args],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0))
  })
  const told = (pattern: RegExp, since = 0): Promise<void> =>
    vi.waitFor(
      () => {
        if (!pattern.test(output.slice(since))) throw new Error(`not told ${pattern}: ${output}`)
      },
      { timeout: DEADLINE_MS, interval: 5 },
    )
  try {
    await Promise.race([
      told(/listens on/),
      exited.then((code) => {
        throw new Error(`the proxy ended with ${code}: ${output}`)
      }),
    ])
  } catch (error) {
    child.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
    throw error
  }
  const port = Number(/listens on 127\.0\.0\.1:(\d+)/.exec(output)?.[1])
  const proxy: RunningProxy = {
    host: '127.0.0.1',
    port,
    pid: child.pid ?? -1,
    address: `127.0.0.1:${port}`,
    adminPort: () => Number(/.*metrics and health on http:\/\/[^ ]+:(\d+)\n/s.exec(output)?.[1]),
    output: () => output,
    told,
    async reload(yaml) {
      await writeFile(file, yaml)
      const before = output.length
      child.kill('SIGHUP')
      await told(/read again|stays as it was/, before)
      return output.slice(before)
    },
    connect: () => Wire.connect({ host: '127.0.0.1', port }),
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      const end = await exited
      await rm(directory, { recursive: true, force: true })
      return end
    },
    async [Symbol.asyncDispose]() {
      await proxy.stop('SIGKILL')
    },
  }
  return proxy
}
