// What a client has already: entity tags and dates (RFC 9110, section 13). Knows no cache.
import { hash } from 'node:crypto'
import { type Headers, headerText } from './cache-control.ts'

/** What a 304 has of the headers that the response would have had. */
const OF_NOT_MODIFIED = [
  ...['age', 'cache-control', 'cache-status', 'content-location', 'date', 'etag', 'expires'],
  ...['last-modified', 'vary'],
]
const ENTITY_TAG = /(?:W\/)?"[^"]*"/g

/** Strong: of these bytes, in this encoding. */
export function entityTagOf(body: Uint8Array): string {
  return `"${hash('sha256', body, 'base64url').slice(0, 27)}"`
}

/** Whether the client has what the response is. By the date only where it knows no tag. */
export function isNotModified(request: Headers, response: Headers): boolean {
  const known = request['if-none-match']
  if (known !== undefined) {
    const text = headerText(known)
    if (text.trim() === '*') return true
    const own = opaque(headerText(response.etag))
    return own !== '' && (text.match(ENTITY_TAG) ?? []).some((tag) => opaque(tag) === own)
  }
  const since = Date.parse(headerText(request['if-modified-since']))
  return Date.parse(headerText(response['last-modified'])) <= since
}

export function headersOfNotModified(response: Headers): Headers {
  return Object.fromEntries(
    Object.entries(response).filter(([name]) => OF_NOT_MODIFIED.includes(name)),
  )
}

/** Weak and strong ones are compared alike, for a whole response that is asked for again. */
function opaque(tag: string): string {
  return tag.replace(/^W\//, '')
}
