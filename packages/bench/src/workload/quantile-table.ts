// Makes the numbers of a distribution cheap to draw: most are looked up, the same as they would be computed.
// Knows no distribution.
import { probabilityOf } from './random.ts'

/** What is not exceeded with a probability, from 0 up to 1. */
export type Quantile = (probability: number) => number

/** As many as the upper 16 bits of a word tell apart. Of ETC's keys 0.2 % are computed, of its values 4 %. */
const CELLS = 2 ** 16

/**
 * The number that belongs to 32 random bits. `quantile` must give whole numbers below 2^32 that never fall,
 * from probability 0 to 1. The table takes 256 KiB, and some milliseconds to make.
 */
export function tabulated(quantile: Quantile): (word: number) => number {
  const edges = new Uint32Array(CELLS + 1)
  for (let cell = 0; cell <= CELLS; cell++) edges[cell] = quantile(cell / CELLS)
  return (word) => {
    const cell = word >>> 16
    const number = edges[cell]!
    // All that lies between two that are the same is the same.
    return number === edges[cell + 1] ? number : quantile(probabilityOf(word))
  }
}
