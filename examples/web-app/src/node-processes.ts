// The cache's nodes as plain processes of @memshard/server, which can be killed and started again one by one. Knows
// processes and ports; nothing of who uses the nodes. (`memshard up` starts what has died again by itself, at once:
// what a formation should do, and what one that is to be looked at while a node is dead should not.)
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@memshard/client'

export type ProcessState = 'starting' | 'up' | 'down'

export interface NodeStatus {
  /** Its name on the ring, which doesn't change with the port. */
  readonly name: string
  readonly port: number
  readonly state: ProcessState
  readonly pid: number | undefined
  /** Milliseconds since 1970, when it was last killed or ended by itself. */
  readonly downAt: number | undefined
  /** And when it was last started again. */
  readonly revivedAt: number | undefined
}

const HOST = '127.0.0.1'
const MEBIBYTES = 64
const READY_MS = 60_000
const READY_POLL_MS = 50
const TERM_MS = 3_000
const SETPRIV = '/usr/bin/setpriv'

export class NodeProcesses implements AsyncDisposable {
  readonly #nodes: readonly NodeProcess[]

  private constructor(nodes: readonly NodeProcess[]) {
    this.#nodes = nodes
  }

  /** Starts so many, each on a free port. Resolves when they answer; when one doesn't, all are stopped. */
  static async start(count: number): Promise<NodeProcesses> {
    const ports = await freePorts(count)
    const nodes = new NodeProcesses(ports.map((port, i) => new NodeProcess(`cache-${i + 1}`, port)))
    try {
      await Promise.all(nodes.#nodes.map((node) => node.start()))
    } catch (error) {
      await nodes[Symbol.asyncDispose]()
      throw error
    }
    return nodes
  }

  get status(): readonly NodeStatus[] {
    return this.#nodes.map((node) => node.status)
  }

  /** As clients take them. */
  get specs(): readonly { readonly name: string; readonly host: string; readonly port: number }[] {
    return this.#nodes.map(({ name, port }) => ({ name, host: HOST, port }))
  }

  /** By SIGKILL: it has no time to say anything. Resolves when it has ended. */
  async kill(index: number): Promise<void> {
    await this.#nodes[index]!.end('SIGKILL')
  }

  /** Starts it again on its port, empty. Resolves when it answers. */
  async revive(index: number): Promise<void> {
    await this.#nodes[index]!.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()))
  }
}

class NodeProcess {
  readonly name: string
  readonly port: number
  #state: ProcessState = 'down'
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #downAt: number | undefined
  #revivedAt: number | undefined
  #stopped = false

  constructor(name: string, port: number) {
    this.name = name
    this.port = port
  }

  get status(): NodeStatus {
    return {
      name: this.name,
      port: this.port,
      state: this.#state,
      pid: this.#child?.pid,
      downAt: this.#downAt,
      revivedAt: this.#revivedAt,
    }
  }

  async start(): Promise<void> {
    if (this.#child !== undefined || this.#stopped) return
    this.#state = 'starting'
    const [file, ...args] = commandFor(this.port)
    // In a group of its own: the interrupt that a terminal sends to all is not for it.
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
    this.#child = child
    this.#exited = new Promise((resolve) => {
      const ended = (): void => {
        if (this.#child !== child) return
        this.#child = undefined
        this.#state = 'down'
        this.#downAt = Date.now()
        resolve()
      }
      child.once('error', ended)
      child.once('exit', ended)
    })
    await this.#answers()
    if (this.#downAt !== undefined) this.#revivedAt = Date.now()
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal)
    await this.#exited
  }

  /** For good. */
  async stop(): Promise<void> {
    this.#stopped = true
    const late = setTimeout(() => this.#child?.kill('SIGKILL'), TERM_MS)
    await this.end('SIGTERM')
    clearTimeout(late)
  }

  async #answers(): Promise<void> {
    await using probe = new Client({ nodes: [{ host: HOST, port: this.port }], timeout: 1_000 })
    const deadline = performance.now() + READY_MS
    for (;;) {
      const answered = await probe.version().then(
        () => true,
        () => false,
      )
      if (this.#child === undefined) throw new Error(`${this.name} ended before it answered`)
      if (answered) break
      if (performance.now() > deadline) throw new Error(`${this.name} does not answer`)
      await sleep(READY_POLL_MS)
    }
    this.#state = 'up'
  }
}

/** The server's executable; where it can be had, ended by the system when this process dies without a word. */
function commandFor(port: number): readonly [string, ...string[]] {
  const manifest = createRequire(import.meta.url).resolve('@memshard/server/package.json')
  const executable = join(dirname(manifest), 'bin', 'memshard-server')
  const flags = ['-l', HOST, '-p', `${port}`, '-m', `${MEBIBYTES}`, '-t', '1']
  const command = [process.execPath, executable, ...flags] as const
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return command
  return [SETPRIV, '--pdeathsig', 'TERM', ...command]
}

/** All held until all are found, so that they are different ones. */
async function freePorts(count: number): Promise<number[]> {
  const held = Array.from({ length: count }, () => createServer().listen(0, HOST))
  const ports = await Promise.all(
    held.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.once('listening', () => {
            const address = server.address()
            resolve(typeof address === 'object' && address !== null ? address.port : 0)
          })
        }),
    ),
  )
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
