// Random numbers with a seed, so that every run and every server sees the same requests.
// Knows nothing of what is drawn with them.

/** Uniform in [0, 1). Mulberry32 by Tommy Ettinger: 32 bits of state, good enough to shuffle. */
export type Random = () => number

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/**
 * Random bits for long runs over many keys: they begin again only after 2^128 words. With the 32 bits of
 * {@link seededRandom} one of ten million keys would come up to 0.2 % more often than another, and everything
 * would come again after an hour of a million operations per second.
 */
export class RandomBits {
  readonly #state: Int32Array

  /** The seed is a whole number below 2^32. */
  constructor(seed: number) {
    // Not all words can be zero, which the generator could not leave: different numbers mix to different ones.
    this.#state = Int32Array.from({ length: 4 }, (_, word) => mix32(mix32(seed) + word))
  }

  /** 32 bits, as a signed number: for a larger one, or a fraction, the engine may have to allocate. */
  word(): number {
    return nextWord(this.#state)
  }

  /** Uniform in [0, 1), with 53 random bits. */
  uniform(): number {
    return uniformOf(this.word(), this.word())
  }

  /** A whole number below `count`, which is at most 2^32: all are as likely. */
  below(count: number): number {
    return Math.floor(uniformOf(this.word(), this.word()) * count)
  }
}

/** Of the bits of two words the first 53, as a number in [0, 1). Small enough for the engine to inline it always. */
export function uniformOf(high: number, low: number): number {
  return (high >>> 0) * 2 ** -32 + (low >>> 11) * 2 ** -53
}

/** The middle of the step of probability for which a word stands, from almost 0 to almost 1. */
export function probabilityOf(word: number): number {
  return ((word >>> 0) + 0.5) * 2 ** -32
}

/**
 * The next 32 bits of xoshiro128** by David Blackman and Sebastiano Vigna ("Scrambled linear pseudorandom
 * number generators", 2018), as a signed number. `state` is four words, not all zero, and moves on.
 */
export function nextWord(state: Int32Array): number {
  const second = state[1]!
  const word = Math.imul(rotate(Math.imul(second, 5), 7), 9)
  state[2]! ^= state[0]!
  state[3]! ^= second
  state[1]! ^= state[2]!
  state[0]! ^= state[3]!
  state[2]! ^= second << 9
  state[3] = rotate(state[3]!, 11)
  return word
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

/**
 * 32 bits that look random, as a signed number: the same for the same number, and different ones for all numbers
 * below 2^32. The last step of MurmurHash3 by Austin Appleby.
 */
export function mix32(number: number): number {
  let mixed = number | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return mixed ^ (mixed >>> 16)
}

/**
 * Deals the numbers below `count` in random order, again and again: each comes equally often, and
 * none twice before all have come once (Fisher-Yates, one swap per number dealt).
 */
export function shuffledDeck(count: number, random: Random): () => number {
  const cards = new Uint32Array(count)
  for (let index = 0; index < count; index++) cards[index] = index
  let left = 0
  return () => {
    if (left === 0) left = count
    const chosen = Math.floor(random() * left)
    left--
    const card = cards[chosen]!
    cards[chosen] = cards[left]!
    cards[left] = card
    return card
  }
}
