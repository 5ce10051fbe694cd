// How many items there are of each size, for `stats sizes`: kept with every item that comes and goes, and
// only with `-o track_sizes`. Knows sizes, no items.

/** Sizes are counted in steps of this many bytes, rounded up. */
const STEP_BYTES = 32

/** The memory a histogram of items up to a size needs. */
export function sizeHistogramBytes(maxItemSizeBytes: number): number {
  return 4 * (Math.floor(maxItemSizeBytes / STEP_BYTES) + 1)
}

export class SizeHistogram {
  readonly #counts: Int32Array

  /** Over an empty buffer it counts nothing. */
  constructor(buffer: SharedArrayBuffer) {
    this.#counts = new Int32Array(buffer)
  }

  get enabled(): boolean {
    return this.#counts.length > 0
  }

  /** Counts items that came (or, below 0, went). */
  add(sizeBytes: number, items: number): void {
    const step = Math.ceil(sizeBytes / STEP_BYTES)
    if (step < this.#counts.length) this.#counts[step] += items
  }

  /** Sizes, in bytes rounded up, and how many items there are of each; ascending. */
  *counts(): Generator<readonly [sizeBytes: number, items: number]> {
    for (const [step, items] of this.#counts.entries()) {
      if (items !== 0) yield [step * STEP_BYTES, items]
    }
  }
}
