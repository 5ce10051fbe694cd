// Text and numbers in the bytes of an answer, which are `bytes[from .. to)`. Knows no protocol.

export const SPACE = 32
const DIGIT_0 = 48
/** So many are surely less than 2^31. */
const DIGITS_MAX = 9

/** Whether the bytes are this text; no bytes are the empty one. */
export function isText(text: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  return text.length > 0 && text.length === to - from && beginsWith(text, bytes, from, to)
}

export function beginsWith(text: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (text.length > to - from) return false
  for (let index = 0; index < text.length; index++) {
    if (bytes[from + index] !== text[index]) return false
  }
  return true
}

/** The length of a value in decimal digits; -1 where they are none, or too many for one. */
export function readLength(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > DIGITS_MAX) return -1
  let length = 0
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - DIGIT_0
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}

export function isNumber(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - DIGIT_0
    if (digit < 0 || digit > 9) return false
  }
  return from < to
}
