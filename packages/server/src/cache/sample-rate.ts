// How often one thread takes a sample: of everything while there is little, and of so much a second at most however
// much there is, so that what sampling costs has a bound. Each sample stands for `weight` events, so that sums are
// right whatever the rate was. Knows nothing of what is sampled.

/** More events than can be before the next look at the rate. */
const MAX_WEIGHT = 1 << 20
/** As many events as there may be without a look, for who takes no samples. */
const NEVER = 0x3fff_ffff

export class SampleRate {
  readonly #perSecond: number
  /** Events until the next sample; whoever counts them calls `renew` when it is 0 or less. */
  left = 1
  /** What a sample taken now stands for. */
  weight = 1
  #second = 0
  #taken = 0
  /** How many events there were in this second, by what the samples stand for. */
  #events = 0
  #random: number

  /** At most so many samples a second; 0: none. */
  constructor(perSecond: number, random = Math.random()) {
    this.#perSecond = perSecond
    this.#random = Math.floor(random * NEVER) | 1
    if (!this.enabled) this.left = NEVER
  }

  get enabled(): boolean {
    return this.#perSecond > 0
  }

  /** A sample was taken in this second; `left` is how far away the next one is. */
  renew(second: number): void {
    if (!this.enabled) {
      this.left = NEVER
      return
    }
    if (second !== this.#second) {
      // A clock that was set back tells nothing. Half as many as may be are aimed at, since there may be more events.
      const seconds = Math.max(1, second - this.#second)
      const wanted = Math.floor((2 * this.#events) / seconds / this.#perSecond)
      this.weight = Math.min(MAX_WEIGHT, Math.max(1, wanted))
      this.#second = second
      this.#taken = 0
      this.#events = 0
    } else if (this.#taken >= this.#perSecond) {
      this.weight = Math.min(MAX_WEIGHT, this.weight * 2)
      this.#taken = 0
    }
    this.#taken++
    this.#events += this.weight
    this.left = this.weight === 1 ? 1 : 1 + (this.#next() % (2 * this.weight - 1))
  }

  /** A number from 0 to 2^31 - 1 (xorshift, Marsaglia 2003): at random, so that no rhythm of clients matters. */
  #next(): number {
    let random = this.#random
    random ^= random << 13
    random ^= random >>> 17
    random ^= random << 5
    this.#random = random
    return random & 0x7fff_ffff
  }
}
