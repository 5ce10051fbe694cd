// Modula: the key's hash modulo the number of nodes, in the order in which they are listed. Nearly every key
// moves when a node comes or goes; it is here because clients that applications come from do it.
import { ArgumentError } from '../errors.ts'
import type { KeyHash } from './key-hash.ts'
import type { Distribution, RingNode, Router } from './router.ts'

class Modula implements Router {
  readonly #keyHash: KeyHash
  readonly #slots: Uint16Array
  readonly #nodes: number

  /** `slots` are indexes of nodes. */
  constructor(slots: readonly number[], nodes: number, keyHash: KeyHash) {
    this.#slots = Uint16Array.from(slots)
    this.#nodes = nodes
    this.#keyHash = keyHash
  }

  locate(key: string): number {
    const slots = this.#slots
    return slots.length === 0 ? -1 : slots[this.#keyHash(key) % slots.length]!
  }

  shares(): number[] {
    const shares = new Array<number>(this.#nodes).fill(0)
    for (const slot of this.#slots) shares[slot]! += 1 / this.#slots.length
    return shares
  }
}

/** Every node is listed once, whatever its weight. */
export function modula(keyHash: KeyHash): Distribution {
  return (nodes) =>
    new Modula(
      nodes.map((_, index) => index),
      nodes.length,
      keyHash,
    )
}

/** The keys of a node that is away are the next one's that is not. */
export function modulaOrNext(keyHash: KeyHash): Distribution {
  return (nodes, all = nodes) => {
    const present = new Map(nodes.map(({ name }, index) => [name, index]))
    const next = (slot: number): number => {
      for (let i = slot; i < slot + all.length; i++) {
        const index = present.get(all[i % all.length]!.name)
        if (index !== undefined) return index
      }
      return -1
    }
    const slots = nodes.length === 0 ? [] : all.map((_, slot) => next(slot))
    return new Modula(slots, nodes.length, keyHash)
  }
}

/** Each node is listed as many times as its weight says, in the order that `order` says. */
export function weightedModula(
  keyHash: KeyHash,
  order: (a: RingNode, b: RingNode) => number,
): Distribution {
  return (nodes) => {
    const indexes = nodes.map((_, index) => index)
    indexes.sort((a, b) => order(nodes[a]!, nodes[b]!))
    const slots = indexes.flatMap((index) => repeated(nodes[index]!, index))
    return new Modula(slots, nodes.length, keyHash)
  }
}

function repeated({ name, weight }: RingNode, index: number): number[] {
  if (!Number.isInteger(weight)) {
    throw new ArgumentError(`the weight of ${name} must be a whole number where modula repeats it`)
  }
  return new Array<number>(weight).fill(index)
}
