// Names of frameworks' things as keys of a cache: whatever text they are. Knows no framework and no client.
import { hash } from 'node:crypto'

/** What is longer is hashed: room for the prefixes of adapters and clients. */
const NAME_MAX_UNITS = 128
const PLAIN = /^[^\0-\x20\x7f~][^\0-\x20\x7f]*$/

/**
 * The text itself where it can be (part of) a key, or else `~` and its SHA-256. No two texts have one name; and none has a
 * name that begins with `~` and is shorter than 44 characters, which are the adapters' own.
 */
export function itemName(text: string): string {
  if (text.length <= NAME_MAX_UNITS && PLAIN.test(text) && text.isWellFormed()) {
    // Of 128 units that are three bytes each it would be too long.
    if (Buffer.byteLength(text) <= NAME_MAX_UNITS) return text
  }
  return hashed(text)
}

/** As a part that ends at the next `:`. */
export function prefixName(text: string): string {
  return /^[\w.-]{1,40}$/.test(text) ? text : hashed(text)
}

/** Of UTF-16, because lone surrogates are all the same in UTF-8. */
function hashed(text: string): string {
  return `~${hash('sha256', Buffer.from(text, 'utf16le'), 'base64url')}`
}
