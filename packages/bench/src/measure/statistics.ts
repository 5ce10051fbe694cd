// Medians and spreads of a few rounds. Knows nothing of what was measured.

export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { median, low: sorted[0]!, high: sorted[sorted.length - 1]! }
}

/** Whether rounds disagree about which of the two is larger: the noise exceeds the difference. */
export function straddlesOne(ratio: Spread): boolean {
  return ratio.low <= 1 && ratio.high >= 1
}
