// The nodes of a pool by their names, and which of them each key belongs to. Keeps nodes, with their
// connections, from one list to the next. Knows no call: what is asked of a node is the pool's business.
import { isDeepStrictEqual } from 'node:util'
import { ArgumentError } from './errors.ts'
import type { NodeAddress } from './node/address.ts'
import type { Node } from './node/node.ts'
import { keyHash } from './ring/key-hash.ts'
import { type Layout, Ring } from './ring/ring.ts'

export interface MembersOptions {
  readonly layout: Layout
  /** Keys belong to nodes that are up; otherwise to nodes, however they are. */
  readonly onlyUp: boolean
  readonly createNode: (address: NodeAddress) => Node
}

/** What a new list of nodes changed. A name at a new address has come and has left. */
export interface MembershipChange {
  readonly joined: readonly Node[]
  readonly left: readonly Node[]
}

export class Members {
  readonly #options: MembersOptions
  #nodes: readonly Node[] = []
  /** The nodes that keys belong to, and the ring over them. */
  #owners: readonly Node[] = []
  #ring: Ring | undefined

  constructor(options: MembersOptions) {
    this.#options = options
  }

  get nodes(): readonly Node[] {
    return this.#nodes
  }

  /** The node that a key belongs to now; undefined when there is none. */
  locate(key: string): Node | undefined {
    const owners = this.#owners
    if (owners.length <= 1) return owners[0]
    return owners[this.#ring!.locate(keyHash(key))]
  }

  /**
   * Makes these the nodes. One that has its name and address already is kept; those that left are the
   * caller's to close.
   * @throws ArgumentError when the list is empty or has a name twice; then nothing has changed.
   */
  replace(addresses: readonly NodeAddress[]): MembershipChange {
    if (addresses.length === 0) throw new ArgumentError('nodes is empty: name at least one')
    const before = new Map(this.#nodes.map((node) => [node.name, node]))
    const names = new Set(addresses.map((address) => address.name))
    if (names.size < addresses.length) {
      throw new ArgumentError('two nodes have the same name: the ring tells them apart by it')
    }
    const joined: Node[] = []
    this.#nodes = addresses.map((address) => {
      const present = before.get(address.name)
      if (present !== undefined && isSamePlace(present.address, address)) {
        before.delete(address.name)
        present.reweigh(address.weight)
        return present
      }
      const node = this.#options.createNode(address)
      joined.push(node)
      return node
    })
    this.arrange()
    return { joined, left: [...before.values()] }
  }

  /** Places the keys anew, after a node went up or down. */
  arrange(): void {
    const { layout, onlyUp } = this.#options
    const owners = onlyUp ? this.#nodes.filter((node) => node.state === 'up') : this.#nodes
    const addresses = owners.map((node) => node.address)
    this.#ring = owners.length > 1 ? new Ring(addresses, layout) : undefined
    this.#owners = owners
  }
}

function isSamePlace(a: NodeAddress, b: NodeAddress): boolean {
  return isDeepStrictEqual({ ...a, weight: 1 }, { ...b, weight: 1 })
}
