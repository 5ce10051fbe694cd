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
import type { NodeAddress } from './node/address.ts'
import type { BreakerOptions } from './node/breaker.ts'
import type { Call } from './node/call.ts'
import type { LinksOptions } from './node/links.ts'
import { Node, type NodeOwner } from './node/node.ts'
import { keyHash } from './ring/key-hash.ts'
import { type Layout, Ring } from './ring/ring.ts'

/**
 * What happens to the keys of an ejected node until it returns.
 * - `rehash`: they belong to the other nodes. When it returns, it may still hold values from before.
 * - `miss`: reads find nothing and writes store nothing, at once.
 * - `error`: calls reject with NodeDownError, at once.
 */
export type OnNodeDown = 'rehash' | 'miss' | 'error'

export interface PoolOptions extends LinksOptions, BreakerOptions {
  readonly layout: Layout
  readonly onNodeDown: OnNodeDown
}

export type PoolEvent =
  | { readonly type: 'connect' | 'return'; readonly node: Node }
  | { readonly type: 'disconnect' | 'eject'; readonly node: Node; readonly error: MemshardError }

export class Pool implements NodeOwner {
  readonly nodes: readonly Node[]
  readonly #options: PoolOptions
  readonly #onEvent: (event: PoolEvent) => void
  /** The nodes on the ring, and the ring over them. */
  #members: readonly Node[] = []
  #ring: Ring | undefined
  #closed = false

  constructor(
    addresses: readonly NodeAddress[],
    options: PoolOptions,
    onEvent: (event: PoolEvent) => void,
  ) {
    if (addresses.length === 0) throw new ArgumentError('nodes is empty: name at least one')
    const names = new Set(addresses.map((address) => address.name))
    if (names.size < addresses.length) {
      throw new ArgumentError('two nodes have the same name: the ring tells them apart by it')
    }
    this.nodes = addresses.map((address) => new Node(address, options, options, this))
    this.#options = options
    this.#onEvent = onEvent
    this.#arrange()
  }

  /** The node that is responsible for a key now; undefined when all are ejected and keys rehash. */
  locate(key: string): Node | undefined {
    const members = this.#members
    if (members.length <= 1) return members[0]
    return members[this.#ring!.locate(keyHash(key))]
  }

  /** Takes a call that has its deadline, and sees to it that it is settled. */
  dispatch(call: Call): void {
    const node = this.locate(call.key)
    if (node?.state === 'up') node.send(call)
    else this.#unavailable(call, node)
  }

  /** As `dispatch`, for a call about this node rather than about a key. */
  dispatchTo(node: Node, call: Call): void {
    if (node.state === 'up') node.send(call)
    else if (this.#closed) call.reject(new ClosedError())
    else call.reject(nodeDown(node))
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.nodes.map((node) => node.close()))
  }

  connected(node: Node): void {
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
  lost(_: Node, call: Call, sent: boolean, error: MemshardError): void {
    const again = !sent || (call.operation.idempotent && !call.retried)
    if (!again || this.#closed || call.key === '' || isFinal(error)) {
      call.reject(error)
      return
    }
    if (sent) call.retried = true
    this.dispatch(call)
  }

  #arrange(): void {
    const { onNodeDown, layout } = this.#options
    this.#members =
      onNodeDown === 'rehash' ? this.nodes.filter((node) => node.state === 'up') : this.nodes
    this.#ring =
      this.#members.length > 1
        ? new Ring(
            this.#members.map((node) => node.address),
            layout,
          )
        : undefined
  }

  #unavailable(call: Call, node: Node | undefined): void {
    if (this.#closed) call.reject(new ClosedError({ key: call.key }))
    else if (this.#options.onNodeDown === 'miss') call.resolve(call.operation.missed)
    else call.reject(nodeDown(node, call.key))
  }
}

/** Sending the call again would bring the same. */
function isFinal(error: MemshardError): boolean {
  return error instanceof ProtocolError || error instanceof AuthError
}

function nodeDown(node: Node | undefined, key?: string): NodeDownError {
  return new NodeDownError(
    node === undefined
      ? 'all nodes are down and being probed: look at them, or at the network'
      : `${node.name} is down and being probed: look at it, or set onNodeDown`,
    { node: node?.name, key },
  )
}
