// Numbers in the short texts by which workloads are written. Knows nothing of what they count.

/** What a text that is no number is read as, so that every comparison with it fails. */
const NONE = Number.NaN

/** A decimal from 0 on, as `5`, `0.99` or `1e-7`; otherwise NaN. */
export function parseDecimal(text: string): number {
  return /^\d+(\.\d+)?(e-\d+)?$/.test(text) ? Number(text) : NONE
}

/** `12.5%` is 0.125; NaN where there is no `%`. */
export function parsePercent(text: string): number {
  // Moving the decimal point in the text is exact; dividing 0.7 by 100 is not 0.007.
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text)
  return match ? Number(`${match[1]}e-2`) : NONE
}

/** The text of a share, from 0 to 1, with up to twelve digits. */
export function formatPercent(share: number): string {
  return `${Number((share * 100).toPrecision(12))}%`
}
