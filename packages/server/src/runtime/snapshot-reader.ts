// Reads a snapshot (`--snapshot`) into an empty cache: what is whole of it. Nothing of a block counts before its
// checksum was found right. Takes a megabyte, whatever the file holds. Knows items and the format.
import { readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { type Cache, NO_MEMORY, TOO_LARGE } from '../cache/cache.ts'
import { type ItemRef, KEPT_FLAGS, MAX_KEY_BYTES } from '../cache/item.ts'
import { MemoryBlock } from '../cache/memory.ts'
import {
  BLOCK_BYTES,
  decodeHeader,
  decodeRecordHeader,
  HEADER_BYTES,
  MOST_RECORD_START_BYTES,
  RECORD_HEADER_BYTES,
  type RecordHeader,
} from './snapshot-format.ts'

export interface ReadSnapshot {
  readonly items: number
  /** Expired meanwhile. */
  readonly expired: number
  /** There was no room for these with today's `-m` and `-I`. */
  readonly withoutRoom: number
  /** Blocks whose checksum was wrong. */
  readonly damagedBlocks: number
  /** The file ends before its end; what was behind that nobody knows. */
  readonly cut: boolean
}

const SEGMENT_BITS = 0xc0
const WORD_BYTES = 4
/** Copies of a few bytes read a word at a time, beyond the end perhaps. */
const MARGIN_BYTES = 8
/** The last moment of a cache's clock. */
const LATEST = 0x7fff_ffff

/** Reads a file from its start into an empty cache whose clock goes; undefined if it is of another version. */
export function readSnapshot(cache: Cache, fd: number): ReadSnapshot | undefined {
  return new SnapshotReader(cache, fd).read()
}

class SnapshotReader {
  readonly #cache: Cache
  readonly #fd: number
  readonly #block = new MemoryBlock(new ArrayBuffer(BLOCK_BYTES + MARGIN_BYTES))
  readonly #bytes: Buffer
  #items = 0
  #expired = 0
  #withoutRoom = 0
  #damagedBlocks = 0

  constructor(cache: Cache, fd: number) {
    this.#cache = cache
    this.#fd = fd
    this.#bytes = Buffer.from(this.#block.bytes.buffer)
  }

  read(): ReadSnapshot | undefined {
    const header = decodeHeader(this.#bytes.subarray(0, this.#readUpTo(HEADER_BYTES)))
    if (header === undefined) return undefined
    // Whatever is lost of the items: it was given.
    this.#cache.lastCas = { low: header.casLow, high: header.casHigh }
    const isWhole = this.#readBlocks()
    return {
      items: this.#items,
      expired: this.#expired,
      withoutRoom: this.#withoutRoom,
      damagedBlocks: this.#damagedBlocks,
      cut: !isWhole,
    }
  }

  /** Whether the end was found. */
  #readBlocks(): boolean {
    for (;;) {
      const length = this.#readWord()
      if (length === undefined || length === 0) return length === 0
      const isWhole = length <= BLOCK_BYTES ? this.#readBlock(length) : this.#readAlone(length)
      if (!isWhole) return false
    }
  }

  /** Reads a block of short records. False if the file ends within. */
  #readBlock(length: number): boolean {
    const read = this.#readUpTo(length)
    const expected = this.#readWord()
    if (read < length || expected === undefined) return false
    if (crc32(this.#bytes.subarray(0, length)) !== expected) {
      this.#damagedBlocks++
      return true
    }
    for (let at = 0; at < length; ) {
      const record = decodeRecordHeader(this.#bytes, at)
      const valueAt = at + RECORD_HEADER_BYTES + record.keyLength
      const item = this.#make(record, at + RECORD_HEADER_BYTES)
      if (item !== 0) {
        const isFilled = this.#cache.fill(item, 0, this.#block, valueAt, record.valueLength)
        this.#settle(item, record, isFilled)
      }
      at = valueAt + record.valueLength
    }
    return true
  }

  /** The same with one long record: its value is read to where it belongs, and nobody's until it was found right. */
  #readAlone(length: number): boolean {
    let read = this.#readUpTo(MOST_RECORD_START_BYTES)
    if (read < MOST_RECORD_START_BYTES) return false
    let checksum = crc32(this.#bytes.subarray(0, read))
    const record = decodeRecordHeader(this.#bytes, 0)
    const valueAt = RECORD_HEADER_BYTES + record.keyLength
    const isRecord = valueAt + record.valueLength === length
    const item = isRecord ? this.#make(record, RECORD_HEADER_BYTES) : 0
    let filled = read - valueAt
    let isFilled = item !== 0 && this.#cache.fill(item, 0, this.#block, valueAt, filled)
    for (let left = length - read; left > 0; left -= read) {
      read = this.#readUpTo(Math.min(left, BLOCK_BYTES))
      if (read === 0) break
      checksum = crc32(this.#bytes.subarray(0, read), checksum)
      isFilled = isFilled && this.#cache.fill(item, filled, this.#block, 0, read)
      filled += read
    }
    const expected = this.#readWord()
    if (checksum === expected) {
      if (item !== 0) this.#settle(item, record, isFilled)
      return true
    }
    if (item !== 0) this.#cache.free(item)
    if (expected === undefined) return false
    this.#damagedBlocks++
    return true
  }

  /** An item without its value yet; 0 if it needn't be or can't be. */
  #make(record: RecordHeader, keyAt: number): ItemRef {
    const { keyLength, clientFlags, valueLength } = record
    const expiry = this.#expiry(record)
    if (expiry === undefined) {
      this.#expired++
      return 0
    }
    if (keyLength === 0 || keyLength > MAX_KEY_BYTES) return 0
    const cache = this.#cache
    if (cache.hasRoomFor(this.#block, keyAt, keyLength, clientFlags, valueLength)) {
      const flags = record.flags & KEPT_FLAGS
      const item = cache.allocate(
        this.#block,
        keyAt,
        keyLength,
        clientFlags,
        expiry,
        valueLength,
        flags,
      )
      if (item !== NO_MEMORY && item !== TOO_LARGE) return item
    }
    this.#withoutRoom++
    return 0
  }

  /** On the cache's clock; undefined if it is over. */
  #expiry({ expiresUnixSeconds }: RecordHeader): number | undefined {
    if (expiresUnixSeconds === 0) return 0
    const { clock } = this.#cache
    const left = expiresUnixSeconds - clock.toUnix(clock.now)
    return left > 0 ? Math.min(clock.now + left, LATEST) : undefined
  }

  #settle(item: ItemRef, record: RecordHeader, isFilled: boolean): void {
    const cache = this.#cache
    const { items, table } = cache
    if (!isFilled) {
      this.#withoutRoom++
      cache.free(item)
      return
    }
    const hash = cache.hashOf(item)
    if (table.find(items.block(item), items.keyAt(item), items.keyLength(item), hash) !== 0) {
      cache.free(item)
      return
    }
    const cas = { low: record.casLow, high: record.casHigh }
    cache.restore(item, hash, record.segment & SEGMENT_BITS, record.idleSeconds, cas)
    if (record.hasGivenCas) items.setGivenCas(item, cas.low, cas.high)
    this.#items++
  }

  #readWord(): number | undefined {
    const bytes = Buffer.alloc(WORD_BYTES)
    return readSync(this.#fd, bytes) < WORD_BYTES ? undefined : bytes.readUInt32LE()
  }

  /** Reads so many bytes to the start of the block, or what there is. */
  #readUpTo(length: number): number {
    let read = 0
    while (read < length) {
      const more = readSync(this.#fd, this.#bytes, read, length - read, null)
      if (more === 0) break
      read += more
    }
    return read
  }
}
