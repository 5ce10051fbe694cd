// Jump consistent hashing (Lamping and Veach, 2014): no memory and a perfectly even share, for nodes that are
// numbered. When one is added at the end of the list, or the last is taken away, only its share of the keys
// moves; one taken from the middle renumbers those after it. Knows no weights.
import { ArgumentError } from '../errors.ts'
import type { KeyHash } from './key-hash.ts'
import type { Distribution, RingNode, Router } from './router.ts'

/** 2862933555777941757. */
const MULTIPLIER_HIGH = 0x27bb2ee6
const MULTIPLIER_LOW = 0x87b0b0fd

class Jump implements Router {
  readonly #keyHash: KeyHash
  readonly #nodes: number

  constructor(nodes: readonly RingNode[], keyHash: KeyHash) {
    if (nodes.some((node) => node.weight !== nodes[0]!.weight)) {
      throw new ArgumentError('jump knows no weights: leave them out, or use ring or rendezvous')
    }
    this.#nodes = nodes.length
    this.#keyHash = keyHash
  }

  locate(key: string): number {
    return this.#nodes === 0 ? -1 : jumpHash(0, this.#keyHash(key), this.#nodes)
  }

  shares(): number[] {
    return new Array<number>(this.#nodes).fill(1 / this.#nodes)
  }
}

export function jump(keyHash: KeyHash): Distribution {
  return (nodes) => new Jump(nodes, keyHash)
}

/** The published function, for the 64-bit key `high * 2^32 + low`: a number from 0 up to `buckets`. */
export function jumpHash(high: number, low: number, buckets: number): number {
  let hi = high | 0
  let lo = low | 0
  let bucket = -1
  let next = 0
  while (next < buckets) {
    bucket = next
    // key = key * MULTIPLIER + 1, in 64 bits.
    const product = multiplyHigh(lo, MULTIPLIER_LOW) + Math.imul(lo, MULTIPLIER_HIGH)
    hi = (product + Math.imul(hi, MULTIPLIER_LOW)) | 0
    lo = Math.imul(lo, MULTIPLIER_LOW)
    lo = (lo + 1) | 0
    if (lo === 0) hi = (hi + 1) | 0
    next = Math.floor((bucket + 1) * (2 ** 31 / ((hi >>> 1) + 1)))
  }
  return bucket
}

/** The upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carry = aLow * bHigh + (middle % 65_536)
  return (aHigh * bHigh + Math.floor(middle / 65_536) + Math.floor(carry / 65_536)) | 0
}
