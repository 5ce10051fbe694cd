// The nodes as one keyspace: finds each call's node, and decides what becomes of calls whose node is
// down or has lost them. Knows routing and health, not what the calls mean.
import {
  AuthError,
  ClosedError,
  type MemshardError,
  NodeDownError,
  ProtocolError,
} from './errors.ts'
import { Members } from './members.ts'
import type { NodeAddress } from './node/address.ts'
import type { BreakerOptions } from './node/breaker.ts'
import type { Call } from './node/call.ts'
import type { LinksOptions } from './node/links.ts'
import { Node, type NodeOwner } from './node/node.ts'
import type { Distribution } from './ring/router.ts'
import { WaitingCalls } from './waiting-calls.ts'

/**
 * What happens to the keys of an ejected node until it returns.
 * - `rehash`: they belong to the other nodes. When it returns, it may still hold values from before.
 * - `miss`: reads find nothing and writes store nothing, at once.
 * - `error`: calls reject with NodeDownError, at once.
 */
export type OnNodeDown = 'rehash' | 'miss' | 'error'

export interface PoolOptions extends LinksOptions, BreakerOptions {
  readonly distribution: Distribution
  readonly onNodeDown: OnNodeDown
}

export type PoolEvent =
  | { readonly type: 'connect' | 'return'; readonly node: Node }
  | { readonly type: 'disconnect' | 'eject'; readonly node: Node; readonly error: MemshardError }
  | { readonly type: 'nodes'; readonly joined: readonly Node[]; readonly left: readonly Node[] }

export class Pool implements NodeOwner {
  readonly #options: PoolOptions
  readonly #onEvent: (event: PoolEvent) => void
  readonly #members: Members
  /** What was called before there was a first list of nodes. */
  #waiting: WaitingCalls | undefined
  /** Nodes that left and have calls under way. */
  readonly #leaving = new Set<Promise<void>>()
  #closed = false

  /** Has no nodes yet: calls wait until `setNodes`, as long as their deadlines allow. */
  constructor(options: PoolOptions, onEvent: (event: PoolEvent) => void) {
    this.#waiting = new WaitingCalls(options.maxInflight)
    this.#options = options
    this.#onEvent = onEvent
    this.#members = new Members({
      distribution: options.distribution,
      onlyUp: options.onNodeDown === 'rehash',
      createNode: (address) => new Node(address, options, options, this),
    })
  }

  /** Empty until the first list. */
  get nodes(): readonly Node[] {
    return this.#members.nodes
  }

  /** The node that is responsible for a key now; undefined when all are ejected and keys rehash. */
  locate(key: string): Node | undefined {
    return this.#members.locate(key)
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
    const node = this.locate(call.routingKey)
    if (node?.state === 'up') node.send(call)
    else this.#unavailable(call, node)
  }

  /** As `dispatch`, for a call about this node rather than about a key. */
  dispatchTo(node: Node, call: Call): void {
    if (node.state === 'up') node.send(call)
    else if (this.#closed) call.reject(new ClosedError())
    else call.reject(nodeDown(node, call.key, node))
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const call of this.#waiting?.release() ?? []) call.reject(new ClosedError())
    await Promise.all([...this.nodes.map((node) => node.close()), ...this.#leaving])
  }

  connected(node: Node): void {
    this.#onEvent({ type: 'connect', node })
  }

  disconnected(node: Node, error: MemshardError): void {
    this.#onEvent({ type: 'disconnect', node, error })
  }

  ejected(node: Node, error: MemshardError): void {
    this.#members.arrange()
    this.#onEvent({ type: 'eject', node, error })
  }

  returned(node: Node): void {
    this.#members.arrange()
    this.#onEvent({ type: 'return', node })
  }

  /**
   * A call that never left is simply sent again: to its node, or to the key's new one. One that did
   * leave may have been carried out: it is sent again only when that does no harm, and only once, so
   * that a request that kills its node doesn't make the round of all of them.
   */
  lost(_: Node, call: Call, sent: boolean, error: MemshardError): void {
    const again = !sent || (call.operation.idempotent && !call.retried)
    if (!again || this.#closed || call.key === '' || isFinal(error)) {
      call.reject(error)
      return
    }
    if (sent) call.retried = true
    this.dispatch(call)
  }

  #unavailable(call: Call, node: Node | undefined): void {
    if (this.#closed) call.reject(new ClosedError({ key: call.key }))
    else if (this.#waiting !== undefined) this.#waiting.add(call)
    else if (this.#options.onNodeDown === 'miss') call.resolve(call.operation.missed)
    else call.reject(nodeDown(node, call.key, node ?? this.nodes[0]))
  }
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
