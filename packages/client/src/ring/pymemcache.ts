// pymemcache's rendezvous hashing: the node whose MurmurHash3 of `name-key` is highest. It hashes the
// low byte of every character, not UTF-8, and knows no weights.
import { pack, packBytes } from './key-words.ts'
import type { Distribution, RingNode, Router } from './router.ts'
import { murmur3 } from './wordwise-hashes.ts'

class PymemcacheRendezvous implements Router {
  /** By name, the greatest first, which is pymemcache's winner of a tie. */
  readonly #owners: Uint16Array
  /** `name-` of each owner. */
  readonly #prefixes: readonly string[]

  constructor(nodes: readonly RingNode[]) {
    const order = nodes
      .map((_, index) => index)
      .sort((a, b) => (nodes[a]!.name > nodes[b]!.name ? -1 : 1))
    this.#owners = Uint16Array.from(order)
    this.#prefixes = order.map((index) => `${nodes[index]!.name}-`)
  }

  locate(key: string): number {
    const prefixes = this.#prefixes
    let winner = -1
    let best = -1
    for (let i = 0; i < prefixes.length; i++) {
      const score = murmur3(packLowBytes(prefixes[i]! + key))
      if (score > best) {
        best = score
        winner = this.#owners[i]!
      }
    }
    return winner
  }

  shares(): number[] {
    return new Array<number>(this.#owners.length).fill(1 / this.#owners.length)
  }
}

function packLowBytes(text: string): number {
  if (/^[\0-\x7f]*$/.test(text)) return pack(text)
  return packBytes(Uint8Array.from(text, (character) => character.codePointAt(0)!))
}

export function pymemcache(): Distribution {
  return (nodes) => new PymemcacheRendezvous(nodes)
}
