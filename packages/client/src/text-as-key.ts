// Any text as (the end of) a key. Knows no client.
import { hash } from 'node:crypto'
import { HASH_MARK } from './wire/key-form.ts'

const VISIBLE_ASCII = /^[\x21-\x7e]+$/

/**
 * The text itself where it can be one, so that keys stay readable; or else its hash, and so for what looks like a hashed
 * one. `maxLength` leaves room for prefixes.
 */
export function textAsKey(
  text: string,
  maxLength: number,
  digest: 'hex' | 'base64url' = 'hex',
): string {
  const isPlain = text.length <= maxLength && VISIBLE_ASCII.test(text)
  if (isPlain && !text.startsWith(HASH_MARK)) return text
  return HASH_MARK + hash('sha256', text, digest)
}
