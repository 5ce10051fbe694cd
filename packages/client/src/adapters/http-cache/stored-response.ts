// Responses as items of the cache: a head in JSON and the body's bytes behind it. Knows nothing of who asks.
import type { TagStamp } from '../../tags.ts'
import { type Headers, namesOf } from './cache-control.ts'
import type { Terms } from './storage-rules.ts'

export interface StoredResponse extends Terms {
  readonly status: number
  readonly headers: Headers
  readonly stamp: TagStamp
}

/** In the place of a response: which of the request's headers choose one of several. */
export interface Selection {
  readonly select: readonly string[]
  /** Part of the keys of those several: with a new one none of them is found any more. */
  readonly id: string
}

/** Those of one connection, and what is said anew each time. */
const NOT_STORED = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'content-length', 'age', 'cache-status', 'set-cookie'],
  ...['proxy-authentication-info', 'proxy-connection'],
])
const FORM = 1
const HEAD_LENGTH_BYTES = 4

export function headersToStore(headers: Headers): Headers {
  const ofConnection = namesOf(headers.connection)
  const stored = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !NOT_STORED.has(name) && !ofConnection.includes(name),
  )
  return Object.fromEntries(stored)
}

export function encode(head: StoredResponse | Selection, body?: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify({ form: FORM, ...head }))
  const length = Buffer.alloc(HEAD_LENGTH_BYTES)
  length.writeUInt32BE(text.length)
  return Buffer.concat(body === undefined ? [length, text] : [length, text, body])
}

/** Undefined for what is something else, or of another form. */
export function decode(
  item: unknown,
): { readonly head: StoredResponse | Selection; readonly body: Uint8Array } | undefined {
  if (!(item instanceof Uint8Array) || item.length < HEAD_LENGTH_BYTES) return undefined
  const bytes = Buffer.from(item.buffer, item.byteOffset, item.byteLength)
  const bodyAt = HEAD_LENGTH_BYTES + bytes.readUInt32BE()
  try {
    const head = JSON.parse(bytes.toString('utf8', HEAD_LENGTH_BYTES, bodyAt))
    return head.form === FORM ? { head, body: bytes.subarray(bodyAt) } : undefined
  } catch {
    return undefined
  }
}
