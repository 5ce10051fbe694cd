// Starts real servers for the tests that cross packages: ours, or the memcached of the machine.
// Knows how to launch, await and stop a process; nothing of what a test does with it.
import { type ChildProcess, spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { packet } from './packets.ts'
import { REPOSITORY } from './repository.ts'

export const MEMSHARD_SERVER = join(REPOSITORY, 'packages/server/bin/memshard-server')

export interface NodeOptions {
  readonly server?: 'memshard' | 'memcached'
  /** Default: that of the server. */
  readonly executable?: string
  /** Further arguments, as on the command line: `['-m', '64', '-t', '1']`. */
  readonly args?: readonly string[]
  /** Default: a free one. */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
  /** What the process may reserve of addresses (`ulimit -v`). */
  readonly addressLimitKilobytes?: number
}

export interface RunningNode extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly pid: number
  /** `host:port`, as clients take it. */
  readonly address: string
  readonly process: ChildProcess
  /** Everything the process has written to stdout and stderr so far. */
  output(): string
  /** Sends the signal and waits for the exit; resolves to the exit code, or the signal that ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

const READY_DEADLINE_MS = 45_000

// Ports that the kernel gives to nobody by itself, and that no other test file takes at the same time: each of vitest's
// workers has a range of its own. A port that the kernel chooses may be another's by the time it is used.
const FIRST_PORT = 12_000
const PORTS_PER_WORKER = 1_000
const WORKERS = 20
// Formations take those that follow one, too.
const STEP = 37
const rangeStart =
  FIRST_PORT + (Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS) * PORTS_PER_WORKER
let lastPort = Math.floor(Math.random() * PORTS_PER_WORKER)

/** A TCP port that is free, and that nothing else that tests start will take. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_PER_WORKER; tries++) {
    lastPort = (lastPort + STEP) % PORTS_PER_WORKER
    const port = rangeStart + lastPort
    if (await canListen(port)) return port
  }
  throw new Error(`no TCP port from ${rangeStart} on is free`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Starts a server on 127.0.0.1 and resolves when it answers `version`. */
export async function startNode(options: NodeOptions = {}): Promise<RunningNode> {
  const port = options.port ?? (await freePort())
  const usual = options.server === 'memcached' ? 'memcached' : MEMSHARD_SERVER
  const command = options.executable ?? usual
  const identity = process.getuid?.() === 0 ? ['-u', 'root'] : []
  const argv = ['-l', '127.0.0.1', '-p', String(port), ...identity, ...(options.args ?? [])]
  const limit = options.addressLimitKilobytes
  const limited = ['sh', '-c', `ulimit -v ${limit}; exec "$0" "$@"`]
  const [file, ...rest] = [...(limit === undefined ? [] : limited), command, ...argv]
  const child = spawn(file, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0))
  })
  exited.catch(() => {})

  const node: RunningNode = {
    host: '127.0.0.1',
    port,
    pid: child.pid ?? -1,
    address: `127.0.0.1:${port}`,
    process: child,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      return exited
    },
    async [Symbol.asyncDispose]() {
      await node.stop('SIGKILL')
    },
  }

  const deadline = Date.now() + READY_DEADLINE_MS
  const question = /-B binary|-S\b/.test(argv.join(' ')) ? packet('version') : 'version\r\n'
  const secure = argv.includes('-Z')
  while (!(await answersVersion(port, question, secure))) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      await exited
      throw new Error(`${command} ${argv.join(' ')} ended before it served: ${output}`)
    }
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${command} did not answer within ${READY_DEADLINE_MS} ms: ${output}`)
    }
    await sleep(20)
  }
  return node
}

function answersVersion(
  port: number,
  question: string | Uint8Array,
  secure: boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = secure
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1')
    const settle = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(10_000, () => settle(false))
    socket.once('error', () => settle(false))
    // With -Y, who has not logged in is told so.
    socket.once('data', (data) => {
      settle(/^(?:VERSION |CLIENT_ERROR unauthenticated|\x81)/.test(data.toString('latin1')))
    })
    socket.once('connect', () => socket.write(question))
  })
}
