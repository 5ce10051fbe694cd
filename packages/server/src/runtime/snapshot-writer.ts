// Writes a snapshot (`--snapshot`): the items of a cache that nobody works on any more, the hottest first, until all
// are written or the time is over. Takes a megabyte, whatever the cache holds. Knows items and the format; when one is
// written is the server's.
import { closeSync, openSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { Cache } from '../cache/cache.ts'
import { itemsByHeat } from '../cache/heat-order.ts'
import { CHUNK_HEADER_BYTES, CHUNKED, type ItemRef, KEPT_FLAGS } from '../cache/item.ts'
import {
  BLOCK_BYTES,
  END_BYTES,
  encodeHeader,
  encodeRecordHeader,
  RECORD_HEADER_BYTES,
} from './snapshot-format.ts'

export interface WrittenSnapshot {
  readonly items: number
  readonly bytes: number
  /** There was no time for all. */
  readonly cut: boolean
}

const OWNER_ONLY = 0o600
const SEGMENT_BITS = 0xc0

/** Writes to a file, which must not matter yet, until `isOver`. */
export function writeSnapshot(cache: Cache, path: string, isOver: () => boolean): WrittenSnapshot {
  const fd = openSync(path, 'w', OWNER_ONLY)
  try {
    return new SnapshotWriter(cache, fd).write(isOver)
  } finally {
    closeSync(fd)
  }
}

class SnapshotWriter {
  readonly #cache: Cache
  readonly #fd: number
  readonly #block = Buffer.alloc(BLOCK_BYTES)
  #filled = 0
  #bytes = 0
  /** How many were written. */
  #blocks = 0

  constructor(cache: Cache, fd: number) {
    this.#cache = cache
    this.#fd = fd
  }

  write(isOver: () => boolean): WrittenSnapshot {
    const { clock, lastCas } = this.#cache
    const unixSeconds = clock.toUnix(clock.now)
    this.#put(encodeHeader({ unixSeconds, casLow: lastCas.low, casHigh: lastCas.high }))
    let items = 0
    let cut = false
    let blocks = -1
    for (const item of itemsByHeat(this.#cache)) {
      // Once a block: a look at the clock costs as much as a small item.
      if (blocks !== this.#blocks && isOver()) {
        cut = true
        break
      }
      blocks = this.#blocks
      this.#add(item)
      items++
    }
    this.#endBlock()
    const end = Buffer.alloc(END_BYTES)
    end.writeUInt32LE(items, 4)
    end.writeUInt32LE(cut ? 1 : 0, 8)
    this.#put(end)
    return { items, bytes: this.#bytes, cut }
  }

  #add(item: ItemRef): void {
    const { items } = this.#cache
    const size = RECORD_HEADER_BYTES + items.keyLength(item) + items.valueLength(item)
    if (this.#filled + size > BLOCK_BYTES) this.#endBlock()
    if (size > BLOCK_BYTES) {
      this.#writeAlone(item, size)
      return
    }
    this.#filled = this.#encodeStart(item, this.#filled)
    for (const piece of this.#valuePieces(item)) {
      this.#block.set(piece, this.#filled)
      this.#filled += piece.length
    }
  }

  /** A record longer than a block is one of its own, and is never copied together. */
  #writeAlone(item: ItemRef, size: number): void {
    this.#putWord(size)
    const start = this.#block.subarray(0, this.#encodeStart(item, 0))
    let checksum = crc32(start)
    this.#put(start)
    for (const piece of this.#valuePieces(item)) {
      checksum = crc32(piece, checksum)
      this.#put(piece)
    }
    this.#putWord(checksum)
    this.#blocks++
  }

  /** Writes all but the value into the block; returns where it goes on. */
  #encodeStart(item: ItemRef, at: number): number {
    const cache = this.#cache
    const { items, clock } = cache
    const expiry = items.expiry(item)
    const keyLength = items.keyLength(item)
    const record = {
      keyLength,
      flags: items.flags(item) & KEPT_FLAGS,
      segment: items.list(item) & SEGMENT_BITS,
      clientFlags: items.clientFlags(item),
      valueLength: items.valueLength(item),
      idleSeconds: cache.idleSeconds(item),
      expiresUnixSeconds: expiry === 0 ? 0 : clock.toUnix(expiry),
      casLow: items.casLow(item),
      casHigh: items.casHigh(item),
      hasGivenCas: items.hasGivenCas(item),
    }
    encodeRecordHeader(record, this.#block, at)
    const keyAt = items.keyAt(item)
    const key = items.block(item).bytes.subarray(keyAt, keyAt + keyLength)
    this.#block.set(key, at + RECORD_HEADER_BYTES)
    return at + RECORD_HEADER_BYTES + keyLength
  }

  *#valuePieces(item: ItemRef): Generator<Uint8Array> {
    const { items } = this.#cache
    if ((items.flags(item) & CHUNKED) === 0) {
      const at = items.valueAt(item)
      yield items.block(item).bytes.subarray(at, at + items.valueLength(item))
      return
    }
    for (let chunk = items.firstChunk(item); chunk !== 0; chunk = items.next(chunk)) {
      const at = items.offset(chunk) + CHUNK_HEADER_BYTES
      yield items.block(chunk).bytes.subarray(at, at + items.chunkUsed(chunk))
    }
  }

  #endBlock(): void {
    if (this.#filled === 0) return
    const records = this.#block.subarray(0, this.#filled)
    this.#putWord(records.length)
    this.#put(records)
    this.#putWord(crc32(records))
    this.#filled = 0
    this.#blocks++
  }

  #putWord(value: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    this.#put(bytes)
  }

  #put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    this.#bytes += bytes.length
  }
}
