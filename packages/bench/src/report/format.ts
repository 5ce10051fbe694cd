// Numbers and tables as a person reads them. Knows nothing of what they mean.

/** `6.62 us`, `1.35 ms`, `2.10 s`, from microseconds. */
export function formatMicroseconds(microseconds: number): string {
  if (microseconds >= 1e6) return `${(microseconds / 1e6).toFixed(2)} s`
  if (microseconds >= 1e4) return `${(microseconds / 1e3).toFixed(1)} ms`
  if (microseconds >= 1e3) return `${(microseconds / 1e3).toFixed(2)} ms`
  return `${significant(microseconds)} us`
}

/** `143,092`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** `14.2 MB/s`, of a million bytes. */
export function formatByteRate(bytesPerSecond: number): string {
  return `${significant(bytesPerSecond / 1e6)} MB/s`
}

export function formatPercent(share: number): string {
  return `${Math.round(share * 100)} %`
}

export function formatRatio(ratio: number): string {
  return ratio.toFixed(2)
}

/** Three digits that say something: 0.853, 6.62, 12.3, 143. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
  return value.toFixed(digits)
}

/** Columns in line: names, which come first, to the left, and numbers to the right. */
export function alignedTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  nameColumns: number,
): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column < nameColumns ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd()
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)]
}

/** The same, for a page of documentation. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  nameColumns: number,
): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = head.map((_, column) => (column < nameColumns ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)]
}
