// The continuum: points on a circle of 2^32 hashes, each owned by a node; a key belongs to the first
// point at or after its hash. Knows neither how points are made nor what they are called, and searches typed
// arrays, which costs less than any cache of keys would.
import type { Router } from './router.ts'

const HASHES = 2 ** 32
/** A point and its owner in one double, which sorts by point, then by owner. Exact: 32 + 16 bits. */
const OWNERS = 2 ** 16
/** Of an arc's number: no more arcs than 65,536. */
const ARC_BITS_MAX = 16

export class Continuum implements Router {
  readonly #keyHash: (key: string) => number
  readonly #points: Uint32Array
  readonly #owners: Uint16Array
  /** The circle in equal arcs, about one per point: where the points of each begin, and where the last ends. */
  readonly #arcs: Uint32Array
  /** What is left of a hash when this is shifted away is the number of its arc. */
  readonly #shift: number
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
    const arcBits = Math.min(Math.max(Math.ceil(Math.log2(sorted.length)), 1), ARC_BITS_MAX)
    this.#shift = 32 - arcBits
    this.#arcs = cutIntoArcs(this.#points, arcBits)
  }

  locate(key: string): number {
    return this.ownerOf(this.#keyHash(key))
  }

  /** The owner of the first point at or after `hash`, or of the first of all. */
  ownerOf(hash: number): number {
    const points = this.#points
    if (points.length === 0) return -1
    const arc = hash >>> this.#shift
    let low = this.#arcs[arc]!
    let high = this.#arcs[arc + 1]!
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

function cutIntoArcs(points: Uint32Array, arcBits: number): Uint32Array {
  const begins = new Uint32Array(2 ** arcBits + 1)
  let i = 0
  for (let arc = 0; arc < begins.length; arc++) {
    while (i < points.length && points[i]! >>> (32 - arcBits) < arc) i++
    begins[arc] = i
  }
  return begins
}
