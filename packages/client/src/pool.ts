// The nodes as one keyspace: finds each call's node, and decides what becomes of calls whose node is
// down or has lost them. Knows routing and health, not what the calls mean.
import {
  ArgumentError,
  AuthError,
  ClosedError,
  type MemshardError,
  NodeDownError,
  ProtocolError,
} from './errors.ts'
import { Gutter, type GutterOptions } from './gutter.ts'
import { Members } from './members.ts'
import type { NodeAddress } from './node/address.ts'
import type { BreakerOptions } from './node/breaker.ts'
import type { Call } from './node/call.ts'
import { Counters } from './node/counters.ts'
import type { LatencyRecorder } from './node/latency.ts'
import type { LinksOptions } from './node/links.ts'
import { Node, type NodeOwner } from './node/node.ts'
import type { Distribution } from './ring/router.ts'
import { WaitingCalls } from './waiting-calls.ts'

/** What happens to the keys of an ejected node until it returns: see `OnNodeDown` of the options. */
export type DownPolicy = 'miss' | 'rehash' | 'error'

export interface PoolOptions extends LinksOptions, BreakerOptions {
  readonly distribution: Distribution
  readonly onNodeDown: DownPolicy
  /** Nodes that stand in for an ejected one. */
  readonly gutter: GutterOptions | undefined
  /** Makes what records how long the calls of a node take. */
  readonly latencies: (() => LatencyRecorder) | undefined
}

export type PoolEvent =
  | { readonly type: 'connect' | 'return'; readonly node: Node }
  | { readonly type: 'disconnect' | 'eject'; readonly node: Node; readonly error: MemshardError }
  | { readonly type: 'nodes'; readonly joined: readonly Node[]; readonly left: readonly Node[] }

export class Pool implements NodeOwner {
  readonly #options: PoolOptions
  readonly #onEvent: (event: PoolEvent) => void
  readonly #members: Members
  readonly #gutter: Gutter | undefined
  /** What was called before there was a first list of nodes. */
  #waiting: WaitingCalls | undefined
  /** Nodes that left and have calls under way. */
  readonly #leaving = new Set<Promise<void>>()
  /** Until then nothing is down: the addresses may be wrong. */
  #reached = false
  #closed = false

  /** Has no nodes yet: calls wait until `setNodes`, as long as their deadlines allow. */
  constructor(options: PoolOptions, onEvent: (event: PoolEvent) => void) {
    this.#waiting = new WaitingCalls(options.maxInflight)
    this.#options = options
    this.#onEvent = onEvent
    const members = {
      distribution: options.distribution,
      onlyUp: options.onNodeDown === 'rehash',
      createNode: (address: NodeAddress) =>
        new Node(address, options, options, new Counters(options.latencies?.()), this),
    }
    this.#members = new Members(members)
    this.#gutter = options.gutter && new Gutter(options.gutter, members)
  }

  /** Some node has been connected to, now or earlier. */
  get isReached(): boolean {
    return this.#reached
  }

  /** Empty until the first list. */
  get nodes(): readonly Node[] {
    return this.#members.nodes
  }

  /** Those that stand in for nodes that are down. */
  get gutter(): readonly Node[] {
    return this.#gutter?.nodes ?? []
  }

  /** The node that is responsible for a key now; undefined when all are ejected and keys rehash. */
  locate(key: string): Node | undefined {
    const node = this.#members.locate(key)
    if (node === undefined || node.state === 'up') return node
    return this.#gutter?.locate(key) ?? node
  }

  /** Its own node, however that is, and those that have copies of it when there are to be so many. */
  locateAll(key: string, count: number): readonly Node[] {
    return this.#members.locateAll(key, count)
  }

  /** The share of the keys that each node is responsible for now, by its name. */
  shares(): Map<string, number> {
    return this.#members.shares()
  }

  /**
   * Makes these the nodes, for every call from now on. Those that left are closed when they have answered
   * what they were asked; that is when this resolves.
   * @throws ArgumentError at once when the list is empty or has a name twice; then nothing has changed.
   */
  setNodes(addresses: readonly NodeAddress[]): Promise<void> {
    if (this.#closed) throw new ClosedError()
    for (const { name } of this.gutter) {
      if (addresses.some((address) => address.name === name)) {
        throw new ArgumentError(`${name} is in the gutter: it can't stand in for itself`)
      }
    }
    const { joined, left } = this.#members.replace(addresses)
    if (joined.length + left.length > 0) this.#onEvent({ type: 'nodes', joined, left })
    const gone = Promise.all(left.map((node) => node.retire())).then(() => {
      this.#leaving.delete(gone)
    })
    this.#leaving.add(gone)
    const waiting = this.#waiting?.release() ?? []
    this.#waiting = undefined
    for (const call of waiting) {
      if (call.key === '') call.resolve(undefined)
      else this.dispatch(call)
    }
    return gone
  }

  /** There is no list of nodes yet, and this is why. */
  failedToFind(reason: Error): void {
    if (this.#waiting !== undefined) this.#waiting.reason = reason
  }

  /** Resolves a call when the nodes are known, which they are not yet. */
  awaitNodes(call: Call): void {
    this.#unavailable(call, undefined)
  }

  /** Takes a call that has its deadline, and sees to it that it is settled. */
  dispatch(call: Call): void {
    const node = this.#members.locate(call.routingKey)
    if (node?.state === 'up') node.send(call)
    else this.#unavailable(call, node)
  }

  /** As `dispatch`, for a call about this node rather than about a key. */
  dispatchTo(node: Node, call: Call): void {
    if (node.state === 'up') node.send(call)
    else call.reject(this.refusal(node, call.key))
  }

  /** Why a node that is not up can't be asked. */
  refusal(node: Node, key = ''): MemshardError {
    return this.#closed ? new ClosedError() : nodeDown(node, key, node)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const call of this.#waiting?.release() ?? []) call.reject(new ClosedError())
    const nodes = [...this.nodes, ...this.gutter]
    await Promise.all([...nodes.map((node) => node.close()), ...this.#leaving])
  }

  connected(node: Node): void {
    this.#reached = true
    this.#onEvent({ type: 'connect', node })
  }

  disconnected(node: Node, error: MemshardError): void {
    this.#onEvent({ type: 'disconnect', node, error })
  }

  ejected(node: Node, error: MemshardError): void {
    this.#arrange()
    this.#onEvent({ type: 'eject', node, error })
  }

  returned(node: Node): void {
    this.#arrange()
    this.#onEvent({ type: 'return', node })
  }

  /**
   * A call that never left is simply sent again: to its node, or to the key's new one. One that did
   * leave may have been carried out: it is sent again only when that does no harm, and only once, so
   * that a request that kills its node doesn't make the round of all of them.
   */
  lost(node: Node, call: Call, sent: boolean, error: MemshardError): void {
    const again = !sent || (call.operation.idempotent && !call.retried)
    if (!again || this.#closed || call.key === '' || isFinal(error)) {
      call.reject(error)
      return
    }
    if (sent) call.retried = true
    node.counters.retries++
    if (call.isCopy) this.dispatchTo(node, call)
    else this.dispatch(call)
  }

  /** An outage, which will pass, and not a wrong address or password. */
  #countsAsMiss(node: Node | undefined): boolean {
    if (this.#options.onNodeDown !== 'miss') return false
    return this.#reached && !(node?.failure instanceof AuthError)
  }

  #arrange(): void {
    this.#members.arrange()
    this.#gutter?.arrange()
  }

  #unavailable(call: Call, node: Node | undefined): void {
    call.counters = node?.counters
    if (this.#closed) call.reject(new ClosedError({ key: call.key }))
    else if (this.#waiting !== undefined) this.#waiting.add(call)
    else if (this.#gutter?.take(call)) return
    else if (this.#countsAsMiss(node)) skip(call)
    else call.reject(nodeDown(node, call.key, node ?? this.nodes[0]))
  }
}

/** The node counts as empty. */
function skip(call: Call): void {
  if (call.counters !== undefined) call.counters.skipped++
  call.counters = undefined
  call.resolve(call.operation.missed)
}

/** Sending the call again would bring the same. */
function isFinal(error: MemshardError): boolean {
  return error instanceof ProtocolError || error instanceof AuthError
}

/** `failed` is the one whose failure is told as the cause. */
function nodeDown(node: Node | undefined, key: string, failed: Node | undefined): NodeDownError {
  return new NodeDownError(
    node === undefined
      ? 'all nodes are down and being probed: look at them, or at the network'
      : `${node.name} is down and being probed: look at it, or set onNodeDown`,
    { node: node?.name, key, cause: failed?.failure },
  )
}
