// Measures as a page sets them, of what a terminal shows (format.ts). Knows nothing of what they mean.

/** `6.62 us`, `1.24x` and `-0.50` with the signs for micro, times and minus. */
export function typographic(text: string): string {
  return text
    .replace(/\bus\b/, 'µs')
    .replace(/(?<=\d)x$/, '×')
    .replace(/^-/, '−')
}
