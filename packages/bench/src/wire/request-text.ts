// Text and numbers as bytes of a request. Each function writes at a place and returns where it ends, as
// `KeySpace.write` does; there must be room. Knows no protocol.

const DIGIT_0 = 48

/** Text of one byte per character, made into bytes beforehand. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

export function putText(bytes: Uint8Array, at: number, text: Uint8Array): number {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text[index]!
  return at + text.length
}

/** A number from 0 to 2^31 - 1. */
export function putDecimal(bytes: Uint8Array, at: number, number: number): number {
  let end = at + 1
  for (let limit = 10; number >= limit; limit *= 10) end++
  let left = number
  for (let digit = end - 1; digit >= at; digit--) {
    const tens = (left / 10) | 0
    bytes[digit] = DIGIT_0 + left - tens * 10
    left = tens
  }
  return end
}
