// Rendezvous hashing (highest random weight): a key belongs to the node whose hash with the key scores
// highest. No ring to build, an exact share by weight, and a node that comes or goes moves only its own keys;
// in return each lookup costs a step per node.
import { type KeyHash, keyHashes } from './key-hash.ts'
import type { Distribution, RingNode, Router } from './router.ts'
import { avalanche } from './wordwise-hashes.ts'

class Rendezvous implements Router {
  readonly #keyHash: KeyHash
  readonly #seeds: Int32Array
  readonly #owners: Uint16Array
  readonly #weights: Float64Array
  readonly #weighted: boolean

  constructor(nodes: readonly RingNode[], keyHash: KeyHash) {
    this.#keyHash = keyHash
    // By name, so that a tie has the same winner however the nodes are listed.
    const order = nodes
      .map((_, index) => index)
      .sort((a, b) => (nodes[a]!.name < nodes[b]!.name ? -1 : 1))
    this.#owners = Uint16Array.from(order)
    this.#seeds = Int32Array.from(order, (index) => keyHashes.murmur3(nodes[index]!.name))
    this.#weights = Float64Array.from(order, (index) => nodes[index]!.weight)
    this.#weighted = nodes.some((node) => node.weight !== nodes[0]!.weight)
  }

  locate(key: string): number {
    const hash = this.#keyHash(key)
    const winner = this.#weighted ? this.#heaviest(hash) : this.#highest(hash)
    return winner < 0 ? -1 : this.#owners[winner]!
  }

  shares(): number[] {
    const total = this.#weights.reduce((sum, weight) => sum + weight, 0)
    const shares: number[] = []
    this.#owners.forEach((owner, i) => {
      shares[owner] = this.#weights[i]! / total
    })
    return shares
  }

  #highest(hash: number): number {
    const seeds = this.#seeds
    let winner = -1
    let best = -1
    for (let i = 0; i < seeds.length; i++) {
      const score = avalanche(hash ^ seeds[i]!)
      if (score > best) {
        best = score
        winner = i
      }
    }
    return winner
  }

  /** The same winner as `#highest` when all weights are equal: ln grows with its argument. */
  #heaviest(hash: number): number {
    const seeds = this.#seeds
    const weights = this.#weights
    let winner = -1
    let best = Number.NEGATIVE_INFINITY
    for (let i = 0; i < seeds.length; i++) {
      const score = Math.log((avalanche(hash ^ seeds[i]!) + 0.5) / 2 ** 32) / weights[i]!
      if (score > best) {
        best = score
        winner = i
      }
    }
    return winner
  }
}

export function rendezvous(keyHash: KeyHash): Distribution {
  return (nodes) => new Rendezvous(nodes, keyHash)
}
