// What the conventions of other clients have in common: decimal numbers, text that must be UTF-8, and how a codec
// says that a value has no form there. Knows no client's flags.
import { isUtf8 } from 'node:buffer'
import { CodecError } from '../../errors.ts'
import { isInteger } from '../integers.ts'
import type { Value } from '../value-codec.ts'

/** A number as far as it holds one exactly, and a bigint beyond. memcached leaves blanks behind a counter. */
export function integerOf(text: string): number | bigint {
  if (!isInteger(text)) throw new CodecError(`${quoted(text)} is no whole number`)
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** A number in any of the forms in which languages print one. */
export function numberOf(text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && (!Number.isNaN(number) || text === 'NaN')) return number
  throw new CodecError(`${quoted(text)} is no number`)
}

/** What to make of strings from languages that don't tell text from bytes. */
export interface StringOptions {
  /** `text`: strings, which must be UTF-8. `bytes`: Buffers. Default `text`. */
  readonly strings?: 'text' | 'bytes'
}

export function textOrBytes(bytes: Buffer, strings: 'text' | 'bytes' = 'text'): string | Buffer {
  if (strings === 'bytes') return bytes
  if (isUtf8(bytes)) return bytes.toString()
  throw new CodecError("it is not UTF-8: read it with the codec's option strings: 'bytes'")
}

/** The text of a string that has UTF-8. */
export function wellFormed(text: string): string {
  if (text.isWellFormed()) return text
  throw new CodecError('the text has a lone surrogate, which has no UTF-8 form')
}

export function jsonOf(value: unknown): string {
  const json: string | undefined = JSON.stringify(value)
  if (json === undefined) throw new CodecError(`a value of type ${typeof value} has no JSON form`)
  return json
}

export function noForm(value: Value, client: string, takes: string): CodecError {
  const type = value === null ? 'null' : typeof value
  return new CodecError(`${client} has no form for ${type} that others can read: give ${takes}`)
}

export function unreadable(flags: number, what: string): CodecError {
  return new CodecError(`an item has the flags ${flags}: ${what}`, { flags })
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40))
}
