// Pseudo-random numbers from a seed, so that a run can be repeated: xorshift128 (Marsaglia, 2003). Knows nothing of
// what they are for.
export class Random {
  #x: number
  #y = 362_436_069
  #z = 521_288_629
  #w = 88_675_123

  constructor(seed: number) {
    this.#x = (seed ^ 123_456_789) | 0
    for (let i = 0; i < 16; i++) this.next()
  }

  /** 32 bits. */
  next(): number {
    const t = this.#x ^ (this.#x << 11)
    this.#x = this.#y
    this.#y = this.#z
    this.#z = this.#w
    this.#w = this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8)
    return this.#w >>> 0
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return this.next() % limit
  }

  from<Choice>(choices: readonly Choice[]): Choice {
    return choices[this.below(choices.length)]
  }
}
