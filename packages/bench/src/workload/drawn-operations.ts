// Draws the operations of a synthetic load, one after the other: what is asked, of which key. The same seed
// draws the same ones. Knows no bytes and no sockets.
import { keySampler, type Sampler } from './key-sampler.ts'
import { type Mix, weightOf } from './mix.ts'
import { OPERATIONS, type Operation, type OperationSource } from './operation.ts'
import type { Popularity } from './popularity.ts'
import { tabulated } from './quantile-table.ts'
import { probabilityOf, RandomBits } from './random.ts'
import { type Sizes, sizeOfKey, sizeQuantile } from './sizes.ts'

/** What operations are drawn from; a workload has it, and a preset. */
export interface LoadShape {
  readonly mix: Mix
  /** How many there are, at most 2^32. */
  readonly keys: number
  readonly popularity: Popularity
  readonly valueBytes: Sizes
  /** In seconds; 0 is for ever. */
  readonly ttl: Sizes
}

export interface DrawOptions {
  /** A whole number below 2^32. Sources that draw at the same time need different ones. */
  readonly seed: number
  /** Operations until the end; without it there is none. */
  readonly operations?: number
}

/**
 * A key's value always has the same size. How long it lives is drawn anew each time.
 * Once it is compiled, `next` makes no garbage.
 */
export class DrawnOperations implements OperationSource {
  readonly #random: RandomBits
  readonly #nextKey: Sampler
  readonly #valueBytes: (key: number) => number
  readonly #ttl: Sampler
  /** For each kind of operation, the share of it and those before it. */
  readonly #shares: Float64Array
  /** Operations until the end; below 0 there is none. (A count down from infinity would allocate.) */
  #left: number

  constructor(shape: LoadShape, { seed, operations = -1 }: DrawOptions) {
    this.#random = new RandomBits(seed)
    this.#nextKey = keySampler(shape.popularity, shape.keys, this.#random)
    this.#valueBytes = sizeOfKey(shape.valueBytes)
    this.#ttl = ttlSampler(shape.ttl, this.#random)
    this.#shares = cumulativeShares(shape.mix)
    this.#left = operations
  }

  next(operation: Operation): boolean {
    if (this.#left === 0) return false
    if (this.#left > 0) this.#left--
    operation.kind = this.#nextKind()
    operation.key = this.#nextKey()
    operation.valueBytes = this.#valueBytes(operation.key)
    operation.ttl = this.#ttl()
    return true
  }

  #nextKind(): number {
    const shares = this.#shares
    const drawn = probabilityOf(this.#random.word())
    let kind = 0
    while (drawn >= shares[kind]!) kind++
    return kind
  }
}

function ttlSampler(ttl: Sizes, random: RandomBits): Sampler {
  if (typeof ttl === 'number') return () => ttl
  const ttlOfWord = tabulated(sizeQuantile(ttl))
  return () => ttlOfWord(random.word())
}

/** The last one is 1, and so is every one after the last kind that occurs. */
function cumulativeShares(mix: Mix): Float64Array {
  let sum = 0
  const sums = OPERATIONS.map((name) => {
    sum += weightOf(mix, name)
    return sum
  })
  return Float64Array.from(sums, (upTo) => upTo / sum)
}
