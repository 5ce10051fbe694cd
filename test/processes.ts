// Starts our server with exactly the arguments given, for tests of how it listens, ends and refuses.
// Knows the process; what it serves and where is for the test to say.
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { MEMSHARD_SERVER } from './nodes.ts'
import { type Endpoint, Wire } from './wire.ts'

const DEADLINE_MS = 40_000

export interface Started extends AsyncDisposable {
  readonly process: ChildProcess
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Resolves to the exit code, or to the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>
}

export interface StartOptions {
  /** Default: the executable of the repository. */
  readonly executable?: string
  readonly env?: Readonly<Record<string, string>>
  /** Adds `-u root` if the tests run as root; default true. */
  readonly asRoot?: boolean
}

export function start(argv: readonly string[], options: StartOptions = {}): Started {
  const { executable = MEMSHARD_SERVER, env = {}, asRoot = true } = options
  const identity = asRoot && process.getuid?.() === 0 ? ['-u', 'root'] : []
  const child = spawn(executable, [...identity, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    // Not `exit`: by `close` all it has said is here.
    child.once('close', (code, signal) => resolve(signal ?? code ?? 0))
  })
  exited.catch(() => {})
  return {
    process: child,
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}

/** Resolves to a connection once the server takes one. */
export async function served(endpoint: Endpoint, by?: Started): Promise<Wire> {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    try {
      const wire = await Wire.connect(endpoint)
      await wire.ask('version\r\n')
      return wire
    } catch (error) {
      const ended = by !== undefined && (by.process.exitCode ?? by.process.signalCode) !== null
      if (ended || Date.now() > deadline) {
        throw new Error(`nobody serves: ${by?.stdout()} ${by?.stderr()}`, { cause: error })
      }
      await sleep(20)
    }
  }
}

/** Whether a process with that id is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
