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
 * Deals the numbers below `count` in random order, again and again: each comes equally often, and
 * none twice before all have come once (Fisher-Yates, one swap per number dealt).
 */
export function shuffledDeck(count: number, random: Random): () => number {
  const cards = Uint32Array.from({ length: count }, (_, index) => index)
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
