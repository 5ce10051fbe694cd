// Which text is a whole number that can be read at once: the time to read one grows faster than its digits (a megabyte of
// them takes half a second, in which nothing else runs), and whoever may write to a node chooses how many there are.

/** Read in a tenth of a millisecond. */
export const INTEGER_MAX_DIGITS = 4096

/** Decimal, with the blanks that memcached leaves behind a counter. */
export function isInteger(text: string): boolean {
  return text.length <= INTEGER_MAX_DIGITS && /^-?\d+ *$/.test(text)
}
