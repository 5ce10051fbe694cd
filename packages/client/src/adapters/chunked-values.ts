// Bytes of any length, of which an item of the cache takes only so many. A value is one item that has it, or that names the
// others it is in. Those have a random name, so that no value can be put together of two. Knows no framework.
import { randomBytes } from 'node:crypto'
import type { Client } from '../client.ts'
import type { CallOptions } from '../options.ts'

type Items = Pick<Client, 'getMulti' | 'set' | 'setMulti'>

/** What a long value is in: `count` items, all but the last full. */
interface Chunks {
  readonly id: string
  readonly count: number
  readonly byteLength: number
}

export interface ChunkedHead {
  /** What is said of the value, in the item itself: to be known before the value is read. */
  readonly about: Uint8Array
  /** Of a short value, all of it. */
  readonly value: Uint8Array | undefined
  readonly chunks: Chunks | undefined
}

/** Of an item of a mebibyte, as servers take it by default; the rest is for what is said of the value and the key. */
export const CHUNK_BYTES = 900 * 1024
/** 57.6 MB: longer values are no use in a cache that lives from many. */
const CHUNKS_MAX = 64
const HEADER_BYTES = 4 + 4 + 4

export class ChunkedValues {
  readonly #items: Items
  readonly #chunkBytes: number

  constructor(items: Items, chunkBytes: number) {
    this.#items = items
    this.#chunkBytes = chunkBytes
  }

  /** False when the value was not stored: a node is down, or it is too long. */
  async set(name: string, about: Uint8Array, value: Uint8Array, ttl: number): Promise<boolean> {
    if (about.byteLength > this.#chunkBytes) return false
    if (about.byteLength + value.byteLength <= this.#chunkBytes) {
      return this.#items.set(name, packed({ about, value, chunks: undefined }), { ttl })
    }
    const count = Math.ceil(value.byteLength / this.#chunkBytes)
    if (count > CHUNKS_MAX) return false
    const chunks = {
      id: randomBytes(12).toString('base64url'),
      count,
      byteLength: value.byteLength,
    }
    const pieces = keysOf(name, chunks).map((key, i) => {
      const start = i * this.#chunkBytes
      return [key, value.subarray(start, start + this.#chunkBytes)] as const
    })
    // First what is named, then what names it.
    const stored = await this.#items.setMulti(pieces, { ttl })
    if (![...stored.values()].every(Boolean)) return false
    return this.#items.set(name, packed({ about, value: undefined, chunks }), { ttl })
  }

  /** What `unpacked` has not got already; undefined when a piece is missing. */
  async value(name: string, head: ChunkedHead, options?: CallOptions): Promise<Buffer | undefined> {
    if (head.value !== undefined) return Buffer.from(head.value)
    if (head.chunks === undefined) return undefined
    const keys = keysOf(name, head.chunks)
    const found = await this.#items.getMulti<Uint8Array>(keys, options)
    const pieces = keys.map((key) => found.get(key))
    if (!pieces.every((piece) => piece instanceof Uint8Array)) return undefined
    const value = Buffer.concat(pieces)
    return value.byteLength === head.chunks.byteLength ? value : undefined
  }
}

function keysOf(name: string, { id, count }: Chunks): string[] {
  return Array.from({ length: count }, (_, i) => `${name}~${id}${i}`)
}

/** The length of what is said, then how many chunks of which length in all, their id, what is said, the value. */
function packed({ about, value, chunks }: ChunkedHead): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(about.byteLength, 0)
  header.writeUInt32BE(chunks?.count ?? 0, 4)
  header.writeUInt32BE(chunks?.byteLength ?? 0, 8)
  const rest = chunks === undefined ? value! : Buffer.from(chunks.id)
  return Buffer.concat([header, about, rest])
}

/** Undefined when it is nothing that was stored so. */
export function unpacked(stored: unknown): ChunkedHead | undefined {
  if (!(stored instanceof Uint8Array) || stored.byteLength < HEADER_BYTES) return undefined
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  const end = HEADER_BYTES + bytes.readUInt32BE(0)
  const count = bytes.readUInt32BE(4)
  if (end > bytes.byteLength || count > CHUNKS_MAX) return undefined
  const about = bytes.subarray(HEADER_BYTES, end)
  const rest = bytes.subarray(end)
  if (count === 0) return { about, value: rest, chunks: undefined }
  const chunks = { id: rest.toString(), count, byteLength: bytes.readUInt32BE(8) }
  return { about, value: undefined, chunks }
}
