// The continuum: points on a circle of 2^32 hashes, each owned by a node; a key belongs to the first
// point at or after its hash. Knows neither how points are made nor what they are called, and searches a
// typed array, which costs less than any cache of keys would.
import type { Router } from './router.ts'

const HASHES = 2 ** 32
/** A point and its owner in one double, which sorts by point, then by owner. Exact: 32 + 16 bits. */
const OWNERS = 2 ** 16

export class Continuum implements Router {
  readonly #keyHash: (key: string) => number
  readonly #points: Uint32Array
  readonly #owners: Uint16Array
  readonly #nodes: number
  readonly #hashes: number

  /**
   * `pointsOf` has the points of each node, in any order. `hashes`: from 0 up to which number, exclusive,
   * `keyHash` gives hashes.
   */
  constructor(
    pointsOf: readonly Uint32Array[],
    keyHash: (key: string) => number,
    hashes: number = HASHES,
  ) {
    this.#keyHash = keyHash
    this.#nodes = pointsOf.length
    this.#hashes = hashes
    const sorted = sortPoints(pointsOf)
    this.#points = new Uint32Array(sorted.length)
    this.#owners = new Uint16Array(sorted.length)
    for (let i = 0; i < sorted.length; i++) {
      const point = Math.floor(sorted[i]! / OWNERS)
      this.#points[i] = point
      this.#owners[i] = sorted[i]! - point * OWNERS
    }
  }

  locate(key: string): number {
    return this.ownerOf(this.#keyHash(key))
  }

  /** The owner of the first point at or after `hash`, or of the first of all. */
  ownerOf(hash: number): number {
    const points = this.#points
    let low = 0
    let high = points.length
    if (high === 0) return -1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (points[middle]! < hash) low = middle + 1
      else high = middle
    }
    return this.#owners[low === points.length ? 0 : low]!
  }

  shares(): number[] {
    const shares = new Array<number>(this.#nodes).fill(0)
    let before = 0
    this.#points.forEach((point, i) => {
      const upTo = Math.min(point + 1, this.#hashes)
      shares[this.#owners[i]!]! += (upTo - before) / this.#hashes
      before = upTo
    })
    if (this.#points.length > 0) shares[this.#owners[0]!]! += 1 - before / this.#hashes
    return shares
  }

  /** How many points each node has. */
  pointCounts(): number[] {
    const counts = new Array<number>(this.#nodes).fill(0)
    for (const owner of this.#owners) counts[owner]! += 1
    return counts
  }
}

function sortPoints(pointsOf: readonly Uint32Array[]): Float64Array {
  const all = new Float64Array(pointsOf.reduce((sum, points) => sum + points.length, 0))
  let end = 0
  pointsOf.forEach((points, owner) => {
    for (const point of points) all[end++] = point * OWNERS + owner
  })
  return all.sort()
}
