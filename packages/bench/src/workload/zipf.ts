// Draws ranks by Zipf's law: the r-th most popular comes in proportion to 1 / r^exponent. Exact for every
// exponent, in the same time and memory for ten ranks as for four billion. Knows nothing of keys.
//
// The method is rejection-inversion (W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates
// from monotone discrete distributions", ACM TOMACS 6, 1996). The area under the curve x^-exponent is easy to
// invert, so a point in it is drawn, and its x rounded to a rank. That gives rank r the area from r - 1/2 to
// r + 1/2, which is a little more than its due, r^-exponent, because the curve is convex. So of this area only
// the last r^-exponent counts; a point before it is drawn again. The first rank's area is cut to its due.
import { type RandomBits, uniformOf } from './random.ts'

export const RANKS_MAX = 2 ** 32

export class ZipfSampler {
  readonly #count: number
  readonly #exponent: number
  /** 1 - exponent, and its inverse, since dividing takes long. */
  readonly #power: number
  readonly #inversePower: number
  /** Areas are counted from x = 1; those of all ranks together lie between these two. */
  readonly #lowest: number
  readonly #highest: number
  /**
   * A point so near below its rank, or above it, counts for every rank: this is the distance for the second,
   * which loses most. Nearly all points are that near, which saves to compute where the due area begins.
   */
  readonly #near: number

  /** `count` ranks, at most {@link RANKS_MAX}; an exponent of 0 makes all alike. */
  constructor(count: number, exponent: number) {
    if (!Number.isInteger(count) || count < 1 || count > RANKS_MAX) {
      throw new RangeError(`the number of ranks is ${count}, not from 1 to 2^32`)
    }
    if (!(exponent >= 0 && exponent < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`the exponent of Zipf's law is ${exponent}, not from 0`)
    }
    const power = powerOf(exponent)
    this.#count = count
    this.#exponent = exponent
    this.#power = power
    this.#inversePower = 1 / power
    this.#lowest = areaTo(1.5, power) - 1
    this.#highest = areaTo(count + 0.5, power)
    this.#near = 2 - Math.exp(Math.log1p(power * (areaTo(2.5, power) - 2 ** -exponent)) / power)
  }

  /** From 0, which is the most popular. */
  sample(random: RandomBits): number {
    for (;;) {
      // Downwards from the highest, so that rounding never leads beyond it, where nothing can be inverted.
      const part = uniformOf(random.word(), random.word())
      const area = this.#highest + part * (this.#lowest - this.#highest)
      const place = Math.exp(Math.log1p(this.#power * area) * this.#inversePower)
      const rank = Math.min(Math.max(Math.floor(place + 0.5), 1), this.#count)
      if (rank - place <= this.#near || area >= this.#dueFrom(rank)) return rank - 1
    }
  }

  /** Where the area begins that counts for the rank. */
  #dueFrom(rank: number): number {
    return areaTo(rank + 0.5, this.#power) - rank ** -this.#exponent
  }
}

/** The share, from 0 to 1, of the first `ranks` of `count`: the hit ratio of a cache that holds just these. */
export function zipfShare(ranks: number, count: number, exponent: number): number {
  return zipfSum(ranks, exponent) / zipfSum(count, exponent)
}

/** So many terms are added one by one; for the rest, the error of the formula is below 1e-10. */
const TERMS_ADDED = 200

/** The sum of r^-exponent for r from 1 to `count`, in constant time (Euler and Maclaurin's formula). */
function zipfSum(count: number, exponent: number): number {
  const last = Math.min(count, TERMS_ADDED)
  let sum = 0
  for (let rank = last; rank >= 1; rank--) sum += rank ** -exponent
  if (last === count) return sum
  const area = areaTo(count, powerOf(exponent)) - areaTo(last, powerOf(exponent))
  const ends = (count ** -exponent - last ** -exponent) / 2
  const slopes = (-exponent * (count ** (-exponent - 1) - last ** (-exponent - 1))) / 12
  return sum + area + ends + slopes
}

/** 1 - exponent, but never 0: an exponent of 1 is as good as the number next to it, which spares a case. */
function powerOf(exponent: number): number {
  return 1 - exponent || Number.EPSILON
}

/** The area under x^-exponent from 1 to `place`: (place^power - 1) / power, right for the smallest powers too. */
function areaTo(place: number, power: number): number {
  return Math.expm1(power * Math.log(place)) / power
}
