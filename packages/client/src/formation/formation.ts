// A local formation: so many nodes, each a process with a port of its own, more or fewer of them while it runs. Who
// leaves is taken from the list first, and who joins is put there last. Knows nodes and the list; not who asks.
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ArgumentError } from '../errors.ts'
import type { CommandFor } from './node-command.ts'
import { removeNodeFile, writeNodeFile } from './node-file.ts'
import { SupervisedNode, type SupervisedState } from './supervised-node.ts'

export interface FormationOptions {
  readonly command: CommandFor
  readonly host: string
  /** Of the first node; the others have the next free ones. */
  readonly firstPort: number
  /** Of each node, in mebibytes. */
  readonly memory: number
  readonly threads: number | undefined
  /** Where the list of nodes is kept, for clients that follow it. */
  readonly file: string
  /** Hears each line that a node writes. */
  readonly wrote: (node: string, line: string) => void
  /** Hears what becomes of a node, or of all of them. */
  readonly tell: (node: string | undefined, message: string) => void
}

export interface NodeStatus {
  readonly name: string
  readonly address: string
  readonly state: SupervisedState
  readonly pid: number | undefined
  readonly restarts: number
}

export const MAX_NODES = 64
const MAX_PORT = 65_535
/** Clients that watch the list have followed by then: a node that left it is asked nothing more. */
const FOLLOW_MS = 500

export class Formation {
  readonly #options: FormationOptions
  #nodes: SupervisedNode[] = []
  /** One change at a time. */
  #changing: Promise<unknown> = Promise.resolve()
  #stopped = false

  constructor(options: FormationOptions) {
    this.#options = options
  }

  /** The nodes of the list, by their numbers. */
  get status(): readonly NodeStatus[] {
    return this.#nodes.map(({ name, address, state, pid, restarts }) => ({
      name,
      address,
      state,
      pid,
      restarts,
    }))
  }

  /** As `MEMCACHE_SERVERS` has it. */
  get connectionString(): string {
    return this.#nodes.map(({ address }) => address).join(',')
  }

  /** Starts or drains nodes until there are so many. The last ones go. @throws ArgumentError */
  scale(count: number): Promise<void> {
    if (!Number.isInteger(count) || count < 1 || count > MAX_NODES) {
      throw new ArgumentError(`a formation has 1 to ${MAX_NODES} nodes, not ${count}`)
    }
    return this.#change(async () => {
      const leaving = this.#nodes.slice(count)
      if (leaving.length > 0) await this.#drain(leaving, this.#nodes.slice(0, count))
      if (this.#nodes.length < count) await this.#add(count - this.#nodes.length)
      this.#options.tell(undefined, `MEMCACHE_SERVERS=${this.connectionString}`)
    })
  }

  /** Takes a node down and up again, in its place. @throws ArgumentError */
  restart(name: string): Promise<void> {
    const node = this.#nodes.find((one) => one.name === name || one.name === `node.${name}`)
    if (node === undefined) throw new ArgumentError(`there is no node ${name}`)
    return this.#change(async () => {
      this.#options.tell(node.name, 'restarts')
      await node.restart()
      this.#options.tell(node.name, 'is up again')
    })
  }

  /** Drains all nodes; nothing is left of the formation. */
  stop(): Promise<void> {
    return this.#change(async () => {
      this.#stopped = true
      removeNodeFile(this.#options.file)
      const nodes = this.#nodes
      this.#nodes = []
      await Promise.all(nodes.map((node) => node.stop()))
    })
  }

  #change(make: () => Promise<void>): Promise<void> {
    const made = this.#changing.then(() => {
      if (this.#stopped) throw new ArgumentError('the formation has stopped')
      return make()
    })
    this.#changing = made.catch(() => {})
    return made
  }

  async #add(count: number): Promise<void> {
    const joining: SupervisedNode[] = []
    for (let i = 0; i < count; i++) joining.push(await this.#newNode(joining))
    const started = await Promise.allSettled(joining.map((node) => node.start()))
    const up = joining.filter((_, i) => started[i]?.status === 'fulfilled')
    this.#list([...this.#nodes, ...up])
    for (const node of up) this.#options.tell(node.name, `is up: ${node.address}`)
    const failed = started.find((one) => one.status === 'rejected')
    if (failed === undefined) return
    await Promise.all(joining.filter((node) => !up.includes(node)).map((node) => node.stop()))
    throw new ArgumentError(String((failed.reason as Error).message), { cause: failed.reason })
  }

  async #newNode(joining: readonly SupervisedNode[]): Promise<SupervisedNode> {
    const { command, host, memory, threads, firstPort, wrote, tell } = this.#options
    const others = [...this.#nodes, ...joining]
    const taken = new Set(others.map(({ port }) => port))
    const port = await freePort(host, firstPort, taken)
    const name = `node.${others.length + 1}`
    return new SupervisedNode({
      name,
      host,
      port,
      command: command({ host, port, memory, threads }),
      wrote: (line) => wrote(name, line),
      tell: (message) => tell(name, message),
    })
  }

  async #drain(leaving: readonly SupervisedNode[], staying: SupervisedNode[]): Promise<void> {
    this.#list(staying)
    for (const { name } of leaving) this.#options.tell(name, 'leaves')
    await sleep(FOLLOW_MS)
    await Promise.all(leaving.map((node) => node.stop()))
    for (const { name } of leaving) this.#options.tell(name, 'has ended')
  }

  #list(nodes: SupervisedNode[]): void {
    this.#nodes = nodes
    if (nodes.length > 0) writeNodeFile(this.#options.file, nodes)
  }
}

async function freePort(host: string, from: number, taken: ReadonlySet<number>): Promise<number> {
  for (let port = from; port <= MAX_PORT; port++) {
    if (!taken.has(port) && (await isFree(host, port))) return port
  }
  throw new ArgumentError(`there is no free port from ${from} on`)
}

/** @throws ArgumentError when nobody can listen on the host at all. */
function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(new ArgumentError(`nodes can't listen on ${host}: ${error.message}`))
    })
    server.listen({ host, port }, () => server.close(() => resolve(true)))
  })
}
