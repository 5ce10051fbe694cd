// The nodes of a pool by their names, and which of them each key belongs to. Keeps nodes, with their
// connections, from one list to the next. Knows no call: what is asked of a node is the pool's business.
import { isDeepStrictEqual } from 'node:util'
import { ArgumentError } from './errors.ts'
import type { NodeAddress } from './node/address.ts'
import type { Node } from './node/node.ts'
import type { Distribution, Router } from './ring/router.ts'

export interface MembersOptions {
  readonly distribution: Distribution
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
  /** The nodes that keys belong to, and which key to which; no router where there is nothing to choose. */
  #owners: readonly Node[] = []
  #router: Router | undefined
  /** The owners in the order of their names, once that has been asked for. */
  #byName: readonly Node[] | undefined

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
    return owners[this.#router!.locate(key)]
  }

  /** The node that a key belongs to, and those after it in the order of names, up to so many in all. */
  locateAll(key: string, count: number): readonly Node[] {
    const home = this.locate(key)
    if (home === undefined) return []
    // In that order a new node comes between two others, whatever the distribution.
    this.#byName ??= [...this.#owners].sort((one, other) => (one.name < other.name ? -1 : 1))
    const nodes = this.#byName
    const first = nodes.indexOf(home)
    return Array.from(
      { length: Math.min(count, nodes.length) },
      (_, place) => nodes[(first + place) % nodes.length]!,
    )
  }

  /** The share of the keys that belongs to each node now, by its name. */
  shares(): Map<string, number> {
    const shares = new Map(this.#nodes.map((node) => [node.name, 0]))
    const ofOwners = this.#router?.shares() ?? [1]
    this.#owners.forEach((node, index) => {
      shares.set(node.name, ofOwners[index]!)
    })
    return shares
  }

  /**
   * Makes these the nodes. One that has its name and address already is kept; those that left are the
   * caller's to close.
   * @throws ArgumentError when the list is empty, has a name twice or doesn't suit the distribution; then nothing has changed.
   */
  replace(addresses: readonly NodeAddress[]): MembershipChange {
    if (addresses.length === 0) throw new ArgumentError('nodes is empty: name at least one')
    // What a discovery says most of the time.
    if (this.#isPresent(addresses)) return { joined: [], left: [] }
    const before = new Map(this.#nodes.map((node) => [node.name, node]))
    const names = new Set(addresses.map((address) => address.name))
    if (names.size < addresses.length) {
      throw new ArgumentError('two nodes have the same name: the ring tells them apart by it')
    }
    // Throws when it can't place keys on them, as `jump` with weights.
    this.#options.distribution(addresses)
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

  #isPresent(addresses: readonly NodeAddress[]): boolean {
    const nodes = this.#nodes
    return (
      nodes.length === addresses.length &&
      nodes.every(({ address }, i) => isDeepStrictEqual(address, addresses[i]))
    )
  }

  /** Places the keys anew, after a node went up or down. */
  arrange(): void {
    const { distribution, onlyUp } = this.#options
    const owners = onlyUp ? this.#nodes.filter((node) => node.state === 'up') : this.#nodes
    const addresses = owners.map((node) => node.address)
    const all = onlyUp ? this.#nodes.map((node) => node.address) : addresses
    this.#router = owners.length > 1 ? distribution(addresses, all) : undefined
    this.#owners = owners
    this.#byName = undefined
  }
}

function isSamePlace(a: NodeAddress, b: NodeAddress): boolean {
  return isDeepStrictEqual({ ...a, weight: 1 }, { ...b, weight: 1 })
}
