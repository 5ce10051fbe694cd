// Text and numbers in the bytes of an answer, which are `bytes[from .. to)`. Knows no protocol.

export const SPACE = 32
export const CARRIAGE_RETURN = 13
export const LINE_FEED = 10
export const LINE_END_BYTES = 2
const DIGIT_0 = 48
const DIGIT_9 = 57
/** So many are surely less than 2^31. */
const DIGITS_MAX = 9

export function beginsWith(text: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (text.length > to - from) return false
  for (let index = 0; index < text.length; index++) {
    if (bytes[from + index] !== text[index]) return false
  }
  return true
}

/** Where the digits end that begin there. */
export function endOfDigits(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at]! >= DIGIT_0 && bytes[at]! <= DIGIT_9) at++
  return at
}

/** The number that the digits are; -1 where there are none, or too many for the length of a value. */
export function readLength(bytes: Uint8Array, from: number, to: number): number {
  if (from === to || to - from > DIGITS_MAX) return -1
  let length = 0
  for (let at = from; at < to; at++) length = length * 10 + bytes[at]! - DIGIT_0
  return length
}

/** Where a line ends whose end begins there; 0 where that is not its end, or has not come. */
export function endOfLine(bytes: Uint8Array, from: number, to: number): number {
  const end = from + LINE_END_BYTES
  return end <= to && bytes[from] === CARRIAGE_RETURN && bytes[from + 1] === LINE_FEED ? end : 0
}
