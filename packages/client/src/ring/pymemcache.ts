// pymemcache's rendezvous hashing: the node whose MurmurHash3 of `name-key` is highest. It hashes the
// low byte of every character, not UTF-8, and knows no weights.
import type { Distribution, RingNode, Router } from './router.ts'
import { murmur3 } from './wordwise-hashes.ts'

const KEY_MAX = 1024

class PymemcacheRendezvous implements Router {
  /** By name, the greatest first, which is pymemcache's winner of a tie. */
  readonly #owners: Uint16Array
  /** `name-` and room for a key, of each owner. */
  readonly #texts: readonly Uint8Array[]
  readonly #prefixLengths: Uint16Array

  constructor(nodes: readonly RingNode[]) {
    const order = nodes
      .map((_, index) => index)
      .sort((a, b) => (nodes[a]!.name > nodes[b]!.name ? -1 : 1))
    const prefixes = order.map((index) => lowBytes(`${nodes[index]!.name}-`))
    this.#owners = Uint16Array.from(order)
    this.#prefixLengths = Uint16Array.from(prefixes, (prefix) => prefix.length)
    this.#texts = prefixes.map((prefix) => {
      const text = new Uint8Array(prefix.length + KEY_MAX)
      text.set(prefix)
      return text
    })
  }

  locate(key: string): number {
    const bytes = lowBytes(key)
    let winner = -1
    let best = -1
    for (let i = 0; i < this.#texts.length; i++) {
      const text = this.#texts[i]!
      const prefix = this.#prefixLengths[i]!
      text.set(bytes, prefix)
      const score = murmur3(text, prefix + bytes.length)
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

function lowBytes(text: string): Uint8Array {
  return Uint8Array.from(text.slice(0, KEY_MAX), (character) => character.codePointAt(0)!)
}

export function pymemcache(): Distribution {
  return (nodes) => new PymemcacheRendezvous(nodes)
}
