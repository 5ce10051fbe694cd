// A pool of nodes behind the proxy: the client's own ring, members, breakers and gutter, with answers that are passed on
// as they are. Knows no client of the proxy.
import { milliseconds } from '../arguments.ts'
import { Follower } from '../discovery/follower.ts'
import { ConnectionError, MemshardError, TimeoutError } from '../errors.ts'
import { parseNode } from '../node/address.ts'
import { Call } from '../node/call.ts'
import type { Node } from '../node/node.ts'
import { type ClientOptions, DEFAULT_TIMEOUT_MS, poolOptions } from '../options.ts'
import { Pool, type PoolEvent } from '../pool.ts'
import { placementOf } from '../ring/placement.ts'
import { flush, version } from '../wire/operations.ts'
import type { Forgiving } from './answer-queue.ts'
import { CommandDurations } from './command-durations.ts'
import { NO_CODEC } from './no-codec.ts'

/** A proxy's clients are many, and each of them is held up by its own bounds. */
const MAX_INFLIGHT = 100_000

export interface UpstreamOwner {
  /** Something happened to a node, or to the list of them, that an operator wants to know. */
  noticed(upstream: Upstream, event: string): void
}

export class Upstream implements Forgiving {
  readonly name: string
  /** How long its nodes take. */
  readonly durations = new CommandDurations()
  readonly #pool: Pool
  readonly #timeout: number
  readonly #forgives: boolean
  readonly #follower: Follower | undefined

  /** @throws ArgumentError when an option makes no sense. */
  constructor(name: string, options: ClientOptions<unknown>, owner: UpstreamOwner) {
    this.name = name
    const placement = placementOf(options)
    const forPool = poolOptions({ maxInflight: MAX_INFLIGHT, ...options }, placement)
    this.#timeout = milliseconds('timeout', options.timeout ?? DEFAULT_TIMEOUT_MS)
    this.#forgives = options.onNodeDown !== 'error'
    this.#pool = new Pool(
      { ...forPool, relays: true, latencies: () => this.durations },
      (event) => {
        if ('error' in event) this.#follower?.hint()
        owner.noticed(this, textOf(event))
      },
    )
    const { nodes } = options
    if (!('watch' in nodes)) {
      void this.#pool.setNodes(nodes.map((spec) => parseNode(spec, placement.naming)))
      return
    }
    this.#follower = new Follower(nodes, {
      found: (found) =>
        void this.#pool.setNodes(found.map((spec) => parseNode(spec, placement.naming))),
      failed: (cause) => {
        const reason = cause instanceof Error ? cause : new Error(String(cause))
        this.#pool.failedToFind(reason)
        owner.noticed(this, `the discovery found no nodes: ${reason.message}`)
      },
    })
    this.#follower.start()
  }

  /** Those of the ring, then those of the gutter. */
  get nodes(): readonly Node[] {
    return [...this.#pool.nodes, ...this.#pool.gutter]
  }

  /** Calls without an answer. */
  get inflight(): number {
    let calls = 0
    for (const node of this.#pool.nodes) calls += node.inflight
    return calls
  }

  /** Sends a call, whose receiver is told what comes of it within the pool's timeout. */
  send(call: Call): void {
    const now = performance.now()
    call.issuedAt = now
    call.deadline = now + this.#timeout
    this.#pool.dispatch(call)
  }

  /** Whether a node that can't be asked counts as one that has nothing. */
  forgives(error: unknown): boolean {
    return this.#forgives && (error instanceof ConnectionError || error instanceof TimeoutError)
  }

  /** Some node has been connected to, now or earlier. */
  get isReached(): boolean {
    return this.#pool.isReached
  }

  /** Asks the nodes for a sign of life, unless one has been reached. Resolves to why none was. */
  async reach(): Promise<string | undefined> {
    if (this.isReached) return undefined
    const failures = await this.#askAll(() => new Call(version, '', NO_CODEC))
    if (this.isReached) return undefined
    return failures[0] ?? 'no nodes are known yet'
  }

  /** Empties every node. Resolves to what went wrong, node by node. */
  flush(delay: number | undefined): Promise<readonly string[]> {
    return this.#askAll(() => {
      const call = new Call(flush, '', NO_CODEC)
      call.ttl = delay
      return call
    })
  }

  /** Resolves to what went wrong, node by node. */
  async #askAll(make: () => Call): Promise<readonly string[]> {
    const failures = await Promise.all(
      this.nodes.map(async (node) => {
        const call = make()
        call.issuedAt = performance.now()
        call.deadline = call.issuedAt + this.#timeout
        const done = call.promise()
        this.#pool.dispatchTo(node, call)
        return done.then(
          () => [],
          (error: unknown) => [error instanceof MemshardError ? error.message : String(error)],
        )
      }),
    )
    return failures.flat()
  }

  /** Waits for the calls under way, which their deadlines bound. */
  close(): Promise<void> {
    this.#follower?.stop()
    return this.#pool.close()
  }
}

function textOf(event: PoolEvent): string {
  switch (event.type) {
    case 'connect':
      return `${event.node.name} is connected`
    case 'return':
      return `${event.node.name} is back`
    case 'disconnect':
      return event.error.message
    case 'eject':
      return `${event.node.name} is down and being probed: ${event.error.message}`
    case 'nodes': {
      const names = (nodes: readonly Node[], sign: string): string[] =>
        nodes.map(({ name }) => sign + name)
      return `nodes: ${[...names(event.joined, '+'), ...names(event.left, '-')].join(' ')}`
    }
  }
}
