// An item's bytes: where each header field lies and how to read and write it. Also the chunks of an
// item too large for one. Knows nothing of lists, classes' sizes or the hash table: only of one item.
// Long because nobody else may know where a field lies.
//
//   word 0  next (older) item in the LRU list     byte 20  slab class (6 bits), LRU (2 bits)
//   word 1  previous (newer) item                 byte 21  key length; 0 marks a chunk that is no item
//   word 2  expiry time, 0 for never              byte 22  flags
//   word 3  time of last access; the sign bit: a  byte 23  pins: replies that still send from it
//           client has chosen the CAS unique      words 6-7  CAS unique, low word first (not with -C)
//   word 4  value length                          then: client flags (4 bytes, if not 0), key, value
//
// 32 bytes in all where memcached spends 56, a NUL and a CRLF: sizes are told as memcached's all the same,
// and chosen by for classes, whose chunks are smaller here (slabs.ts). A free chunk has byte 21 at 0 and is
// linked through words 0 and 1.
//
// A chunked item keeps in place of its value the reference of its first chunk, of its last, and its own
// slab class (3 words); byte 20 then names the LRU it counts in, the largest class's.
//
// An item whose prefix has a limit (prefix-limits.ts) has two words more, at the next multiple of 4 behind all else in
// its own chunk: the next (older) item under the limit, and the previous.
import { type Arena, type Ref, SEGMENT_MASK, SEGMENT_SHIFT } from './arena.ts'
import { hashKey } from './hash.ts'
import { copyBytes, equalBytes, type MemoryBlock } from './memory.ts'

/** A reference to an item's header; 0 is no item. */
export type ItemRef = Ref

export const LINKED = 1
/** Fetched at least once since it was stored. */
export const FETCHED = 2
/** Fetched again: the maintainer will keep it out of COLD. */
export const ACTIVE = 4
export const CHUNKED = 8
/** Invalidated by `md I` or set with a lower CAS: still served, marked with `X`. */
export const STALE = 16
/** Somebody has been told to recache it (`W`); others see `Z`. */
export const TOKEN_SENT = 32
/** The key was sent base64-encoded (`b`). */
export const KEY_BINARY = 64
const HAS_CLIENT_FLAGS = 128

/** The flags that say something of an item for as long as it lives, wherever it is. */
export const KEPT_FLAGS = FETCHED | ACTIVE | STALE | TOKEN_SENT | KEY_BINARY

export const MAX_KEY_BYTES = 250
/** More replies than this never share one item's bytes: the next one copies. */
export const MAX_PINS = 255

const NEXT = 0
const PREVIOUS = 1
const EXPIRY = 2
const ACCESSED = 3
const LENGTH = 4
const META = 5
const CAS_LOW = 6
const CAS_HIGH = 7
/** In ACCESSED: the CAS unique was chosen by a client, so that it doesn't tell when the item was stored. */
const GIVEN_CAS = 1 << 31
/** Where the word of class, key length, flags and pins ends. */
const META_END = 24

const BARE_HEADER_BYTES = 24
const CAS_BYTES = 8
const CLIENT_FLAGS_BYTES = 4
const CRLF_BYTES = 2
/** First chunk, last chunk, own slab class. */
const CHUNKED_BODY_BYTES = 12

/** memcached's header without CAS, `sizeof(item)`, and of a chunk of a large item, `sizeof(item_chunk)`. */
export const NOMINAL_HEADER_BYTES = 48
export const NOMINAL_CHUNK_HEADER_BYTES = 48
/** What an item takes less here than in memcached, which has a NUL after its key and CRLF after its value too. */
const SAVED_BYTES = NOMINAL_HEADER_BYTES - BARE_HEADER_BYTES + 3

/** What its links take of the chunk of an item under a limit, and what may be unused before them. */
export const LIMIT_LINKS_BYTES = 2 * 4 + 3

/** META of a free chunk, and of one that is out of use: no key, no flags. */
const FREE = 0
const RETIRED = 1

// A chunk of a large item: next chunk, previous chunk (NEXT, PREVIOUS), the item, capacity, bytes used, and
// the class in META with key length 0 and the CHUNKED flag.
const CHUNK_ITEM = 2
const CHUNK_CAPACITY = 3
const CHUNK_USED = 4
/** Bytes of a chunk that hold no value. */
export const CHUNK_HEADER_BYTES = 24

/** What the contents of any chunk take less here than in memcached: in multiples of the alignment. */
export const SAVED_CHUNK_BYTES = Math.min(
  SAVED_BYTES & ~7,
  NOMINAL_CHUNK_HEADER_BYTES - CHUNK_HEADER_BYTES,
)

// What the word of class, key length, flags and pins says, for who has read it once for all of them.

export function classIn(meta: number): number {
  return meta & 0x3f
}

/** Slab class and LRU together. */
export function listIn(meta: number): number {
  return meta & 0xff
}

export function keyLengthIn(meta: number): number {
  return (meta >>> 8) & 0xff
}

export function pinsIn(meta: number): number {
  return meta >>> 24
}

export function isLinked(meta: number): boolean {
  return (meta & (LINKED << 16)) !== 0
}

export function isChunked(meta: number): boolean {
  return (meta & (CHUNKED << 16)) !== 0
}

export class Items {
  readonly casEnabled: boolean
  readonly #blocks: readonly MemoryBlock[]
  readonly #headerBytes: number

  constructor(arena: Arena, casEnabled: boolean) {
    this.#blocks = arena.blocks
    this.casEnabled = casEnabled
    this.#headerBytes = BARE_HEADER_BYTES + (casEnabled ? CAS_BYTES : 0)
  }

  // ---- sizes

  /** What an item counts for: its size in memcached (ITEM_ntotal), which classes, statistics and `-I` are about. */
  nominalSize(keyLength: number, clientFlags: number, valueLength: number): number {
    return (
      this.#headerBytes +
      (clientFlags === 0 ? 0 : CLIENT_FLAGS_BYTES) +
      keyLength +
      valueLength +
      SAVED_BYTES
    )
  }

  /** The nominal size of the header of an item whose value lies in further chunks. */
  nominalChunkedHeaderSize(keyLength: number, clientFlags: number): number {
    return this.nominalSize(keyLength, clientFlags, NOMINAL_CHUNK_HEADER_BYTES - CRLF_BYTES)
  }

  /** The nominal size of an item. */
  sizeOf(item: ItemRef): number {
    const meta = this.meta(item)
    return (
      this.#headerBytes +
      ((meta & (HAS_CLIENT_FLAGS << 16)) === 0 ? 0 : CLIENT_FLAGS_BYTES) +
      ((meta >>> 8) & 0xff) +
      this.valueLength(item) +
      SAVED_BYTES
    )
  }

  /** The same by what its header says. */
  sizeWith(meta: number, valueLength: number): number {
    return this.#valueOffset(meta) + valueLength + SAVED_BYTES
  }

  /** From the beginning of an item to its value. */
  #valueOffset(meta: number): number {
    return this.#keyOffset(meta) + keyLengthIn(meta)
  }

  #keyOffset(meta: number): number {
    return this.#headerBytes + ((meta & (HAS_CLIENT_FLAGS << 16)) === 0 ? 0 : CLIENT_FLAGS_BYTES)
  }

  /** The bytes of its own chunk that an item takes, by what its header says. */
  ownBytes(meta: number, valueLength: number): number {
    return this.#valueOffset(meta) + (isChunked(meta) ? CHUNKED_BODY_BYTES : valueLength)
  }

  /** The bytes of its own chunk that an item takes. */
  bytesOf(item: ItemRef): number {
    const chunked = (this.flags(item) & CHUNKED) !== 0
    const bodyBytes = chunked ? CHUNKED_BODY_BYTES : this.valueLength(item)
    return this.valueAt(item) - this.offset(item) + bodyBytes
  }

  /** The same of one under a limit, with its links. */
  bytesUnderLimit(item: ItemRef): number {
    return (this.#limitLinksAt(item) + 2) * 4 - this.offset(item)
  }

  // ---- writing a new item

  /** Makes an unlinked item of a chunk. The value is left as it is. */
  write(
    item: ItemRef,
    slabClass: number,
    key: MemoryBlock,
    keyAt: number,
    keyLength: number,
    clientFlags: number,
    expiry: number,
    valueLength: number,
    flags: number,
  ): void {
    const block = this.#blocks[item >>> SEGMENT_SHIFT]
    const words = block.words
    const at = (item & SEGMENT_MASK) << 1
    words[at + NEXT] = 0
    words[at + PREVIOUS] = 0
    words[at + EXPIRY] = expiry
    words[at + ACCESSED] = 0
    words[at + LENGTH] = valueLength
    if (this.casEnabled) {
      words[at + CAS_LOW] = 0
      words[at + CAS_HIGH] = 0
    }
    let keyTo = ((item & SEGMENT_MASK) << 3) + this.#headerBytes
    let allFlags = flags
    if (clientFlags !== 0) {
      words[keyTo >> 2] = clientFlags
      keyTo += CLIENT_FLAGS_BYTES
      allFlags |= HAS_CLIENT_FLAGS
    }
    words[at + META] = slabClass | (keyLength << 8) | (allFlags << 16)
    copyBytes(key, keyAt, block, keyTo, keyLength)
  }

  /**
   * What becomes of an item when it enters the cache: it is linked, and as if accessed at `now`. The flag comes last:
   * whoever finds it after a crash finds all of the item.
   */
  enter(item: ItemRef, now: number, casLow: number, casHigh: number): void {
    const words = this.#blocks[item >>> SEGMENT_SHIFT].words
    const at = (item & SEGMENT_MASK) << 1
    words[at + ACCESSED] = now
    if (this.casEnabled) {
      words[at + CAS_LOW] = casLow
      words[at + CAS_HIGH] = casHigh
    }
    words[at + META] |= LINKED << 16
  }

  /** To be called before a linked item's value is changed in place: it isn't complete until `endChange`. */
  beginChange(item: ItemRef): void {
    this.removeFlags(item, LINKED)
  }

  endChange(item: ItemRef): void {
    this.addFlags(item, LINKED)
  }

  /** Whether nothing but its one chunk is to be freed with an item: no reply sends from it, and it has no chunks. */
  isPlain(item: ItemRef): boolean {
    return (this.meta(item) & (-(1 << 24) | (CHUNKED << 16))) === 0
  }

  // ---- header fields

  block(item: ItemRef): MemoryBlock {
    return this.#blocks[item >>> SEGMENT_SHIFT]
  }

  /** Byte offset of the item in its block. */
  offset(item: ItemRef): number {
    return (item & SEGMENT_MASK) << 3
  }

  next(item: Ref): Ref {
    return this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + NEXT]
  }

  setNext(item: Ref, next: Ref): void {
    this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + NEXT] = next
  }

  previous(item: Ref): Ref {
    return this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + PREVIOUS]
  }

  setLinks(item: Ref, next: Ref, previous: Ref): void {
    const words = this.#blocks[item >>> SEGMENT_SHIFT].words
    const at = (item & SEGMENT_MASK) << 1
    words[at + NEXT] = next
    words[at + PREVIOUS] = previous
  }

  setPrevious(item: Ref, previous: Ref): void {
    this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + PREVIOUS] = previous
  }

  expiry(item: ItemRef): number {
    return this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + EXPIRY]
  }

  setExpiry(item: ItemRef, expiry: number): void {
    this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + EXPIRY] = expiry
  }

  accessed(item: ItemRef): number {
    const words = this.#blocks[item >>> SEGMENT_SHIFT].words
    return words[((item & SEGMENT_MASK) << 1) + ACCESSED] & ~GIVEN_CAS
  }

  setAccessed(item: ItemRef, now: number): void {
    const words = this.#blocks[item >>> SEGMENT_SHIFT].words
    const at = ((item & SEGMENT_MASK) << 1) + ACCESSED
    words[at] = (words[at] & GIVEN_CAS) | now
  }

  valueLength(item: ItemRef): number {
    return this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + LENGTH]
  }

  /** Class, key length, flags and pins in one word: class | key length << 8 | flags << 16 | pins << 24. */
  meta(item: Ref): number {
    return this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + META]
  }

  #setMeta(item: Ref, meta: number): void {
    this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + META] = meta
  }

  /** The slab class the item counts in, without the LRU bits. */
  slabClass(item: ItemRef): number {
    return this.meta(item) & 0x3f
  }

  /** Slab class and LRU together, as memcached's slabs_clsid: class | HOT 0, WARM 64, COLD 128, TEMP 192. */
  list(item: ItemRef): number {
    return this.meta(item) & 0xff
  }

  setList(item: ItemRef, list: number): void {
    this.#setMeta(item, (this.meta(item) & ~0xff) | list)
  }

  keyLength(item: ItemRef): number {
    return (this.meta(item) >>> 8) & 0xff
  }

  flags(item: ItemRef): number {
    return (this.meta(item) >>> 16) & 0xff
  }

  addFlags(item: ItemRef, flags: number): void {
    this.#setMeta(item, this.meta(item) | (flags << 16))
  }

  removeFlags(item: ItemRef, flags: number): void {
    this.#setMeta(item, this.meta(item) & ~(flags << 16))
  }

  pins(item: ItemRef): number {
    return this.meta(item) >>> 24
  }

  /** Must not be called on an item with MAX_PINS. */
  addPin(item: ItemRef): void {
    this.#setMeta(item, (this.meta(item) + (1 << 24)) | 0)
  }

  removePin(item: ItemRef): void {
    this.#setMeta(item, (this.meta(item) - (1 << 24)) | 0)
  }

  removePins(item: ItemRef): void {
    this.#setMeta(item, this.meta(item) & 0x00ff_ffff)
  }

  /** Low word of the CAS unique, signed; 0 without CAS. */
  casLow(item: ItemRef): number {
    if (!this.casEnabled) return 0
    return this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + CAS_LOW]
  }

  casHigh(item: ItemRef): number {
    if (!this.casEnabled) return 0
    return this.#blocks[item >>> SEGMENT_SHIFT].words[((item & SEGMENT_MASK) << 1) + CAS_HIGH]
  }

  /** Gives an item a CAS unique that a client has chosen. */
  setGivenCas(item: ItemRef, low: number, high: number): void {
    if (!this.casEnabled) return
    this.block(item).words[((item & SEGMENT_MASK) << 1) + ACCESSED] |= GIVEN_CAS
    this.#setCas(item, low, high)
  }

  hasGivenCas(item: ItemRef): boolean {
    return this.block(item).words[((item & SEGMENT_MASK) << 1) + ACCESSED] < 0
  }

  /** Gives an item the next CAS unique, which is not a client's. */
  renewCas(item: ItemRef, low: number, high: number): void {
    if (!this.casEnabled) return
    this.#setCas(item, low, high)
    this.block(item).words[((item & SEGMENT_MASK) << 1) + ACCESSED] &= ~GIVEN_CAS
  }

  #setCas(item: ItemRef, low: number, high: number): void {
    const words = this.#blocks[item >>> SEGMENT_SHIFT].words
    const at = (item & SEGMENT_MASK) << 1
    if (words[at + CAS_HIGH] === high) {
      words[at + CAS_LOW] = low
      return
    }
    // Two stores for one number: in between the item is not complete.
    const meta = words[at + META]
    words[at + META] = meta & ~(LINKED << 16)
    words[at + CAS_LOW] = low
    words[at + CAS_HIGH] = high
    words[at + META] = meta
  }

  /** The flags the client stored with the value, as a signed 32-bit number. */
  clientFlags(item: ItemRef): number {
    if ((this.meta(item) & (HAS_CLIENT_FLAGS << 16)) === 0) return 0
    return this.block(item).words[(this.offset(item) + this.#headerBytes) >> 2]
  }

  // ---- key and value

  /** Byte offset of the key in the item's block. */
  keyAt(item: ItemRef): number {
    const extra = (this.meta(item) & (HAS_CLIENT_FLAGS << 16)) === 0 ? 0 : CLIENT_FLAGS_BYTES
    return ((item & SEGMENT_MASK) << 3) + this.#headerBytes + extra
  }

  hasKey(item: ItemRef, key: MemoryBlock, at: number, length: number): boolean {
    return (
      this.keyLength(item) === length &&
      equalBytes(this.block(item), this.keyAt(item), key, at, length)
    )
  }

  /** The hash of an item's key. */
  hashWith(item: ItemRef, meta: number): number {
    const block = this.#blocks[item >>> SEGMENT_SHIFT]
    return hashKey(block, this.offset(item) + this.#keyOffset(meta), keyLengthIn(meta))
  }

  haveSameKey(one: ItemRef, other: ItemRef): boolean {
    return this.hasKey(one, this.block(other), this.keyAt(other), this.keyLength(other))
  }

  /** Byte offset of the value in the item's block; of the chunk list, if the item is chunked. */
  valueAt(item: ItemRef): number {
    return this.keyAt(item) + this.keyLength(item)
  }

  // ---- chunked items

  firstChunk(item: ItemRef): Ref {
    return this.block(item).view.getInt32(this.valueAt(item), true)
  }

  lastChunk(item: ItemRef): Ref {
    return this.block(item).view.getInt32(this.valueAt(item) + 4, true)
  }

  /** The class of the header's own chunk (byte 20 names the class it counts in). */
  headerClass(item: ItemRef): number {
    return this.block(item).view.getInt32(this.valueAt(item) + 8, true)
  }

  /** Makes a freshly written item chunked, without chunks yet. */
  beginChunks(item: ItemRef, headerClass: number): void {
    const view = this.block(item).view
    const at = this.valueAt(item)
    view.setInt32(at, 0, true)
    view.setInt32(at + 4, 0, true)
    view.setInt32(at + 8, headerClass, true)
  }

  /** Appends a chunk of `capacity` value bytes. */
  addChunk(item: ItemRef, chunk: Ref, slabClass: number, capacity: number): void {
    const words = this.#blocks[chunk >>> SEGMENT_SHIFT].words
    const at = (chunk & SEGMENT_MASK) << 1
    const last = this.lastChunk(item)
    words[at + CHUNK_ITEM] = item
    words[at + NEXT] = 0
    words[at + PREVIOUS] = last
    words[at + CHUNK_CAPACITY] = capacity
    words[at + CHUNK_USED] = 0
    words[at + META] = slabClass | (CHUNKED << 16)
    const view = this.block(item).view
    const valueAt = this.valueAt(item)
    if (last === 0) view.setInt32(valueAt, chunk, true)
    else this.setNext(last, chunk)
    view.setInt32(valueAt + 4, chunk, true)
  }

  chunkCapacity(chunk: Ref): number {
    return this.#blocks[chunk >>> SEGMENT_SHIFT].words[
      ((chunk & SEGMENT_MASK) << 1) + CHUNK_CAPACITY
    ]
  }

  chunkUsed(chunk: Ref): number {
    return this.#blocks[chunk >>> SEGMENT_SHIFT].words[((chunk & SEGMENT_MASK) << 1) + CHUNK_USED]
  }

  setChunkUsed(chunk: Ref, used: number): void {
    this.#blocks[chunk >>> SEGMENT_SHIFT].words[((chunk & SEGMENT_MASK) << 1) + CHUNK_USED] = used
  }

  chunkClass(chunk: Ref): number {
    return this.meta(chunk) & 0x3f
  }

  /** Whether this is a chunk of a large item, and not the item itself. */
  isChunk(chunk: Ref): boolean {
    return this.keyLength(chunk) === 0 && (this.flags(chunk) & CHUNKED) !== 0
  }

  /** The item that the chunk is part of. */
  chunkItem(chunk: Ref): ItemRef {
    return this.#blocks[chunk >>> SEGMENT_SHIFT].words[((chunk & SEGMENT_MASK) << 1) + CHUNK_ITEM]
  }

  // ---- items under a limit

  nextUnderLimit(item: ItemRef): ItemRef {
    return this.block(item).words[this.#limitLinksAt(item)]
  }

  previousUnderLimit(item: ItemRef): ItemRef {
    return this.block(item).words[this.#limitLinksAt(item) + 1]
  }

  setNextUnderLimit(item: ItemRef, next: ItemRef): void {
    this.block(item).words[this.#limitLinksAt(item)] = next
  }

  setPreviousUnderLimit(item: ItemRef, previous: ItemRef): void {
    this.block(item).words[this.#limitLinksAt(item) + 1] = previous
  }

  #limitLinksAt(item: ItemRef): number {
    return (this.offset(item) + this.bytesOf(item) + 3) >> 2
  }

  // ---- chunks that are nothing

  /** What a chunk holds that was never given out is not what it was in an earlier use of its memory. */
  blank(chunk: Ref): void {
    this.#setMeta(chunk, FREE)
  }

  /** Makes a chunk no item, the first of a list of free ones. */
  makeFree(chunk: Ref, next: Ref): void {
    const words = this.#blocks[chunk >>> SEGMENT_SHIFT].words
    const at = (chunk & SEGMENT_MASK) << 1
    words[at + NEXT] = next
    words[at + PREVIOUS] = 0
    words[at + META] = FREE
  }

  isFree(chunk: Ref): boolean {
    return this.meta(chunk) === FREE
  }

  /** Marks a chunk as out of use: neither an item nor free. */
  retire(chunk: Ref): void {
    this.#setMeta(chunk, RETIRED)
  }

  isRetired(chunk: Ref): boolean {
    return this.meta(chunk) === RETIRED
  }

  // ---- moving

  /**
   * Copies an item to another chunk, without its pins. The chunks of a large one then are the copy's. The flags come
   * last: what has them is complete.
   */
  copy(item: ItemRef, to: Ref): void {
    const chunked = (this.flags(item) & CHUNKED) !== 0
    const from = this.block(item)
    const target = this.block(to)
    const size = this.bytesOf(item) - META_END
    copyBytes(from, this.offset(item), target, this.offset(to), META * 4)
    copyBytes(from, this.offset(item) + META_END, target, this.offset(to) + META_END, size)
    this.#setMeta(to, this.meta(item) & 0x00ff_ffff)
    if (!chunked) return
    for (let chunk = this.firstChunk(item); chunk !== 0; chunk = this.next(chunk)) {
      this.#setChunkItem(chunk, to)
    }
  }

  /** Copies a chunk of a large item to another one of its size, which takes its place in the item. */
  replaceChunk(chunk: Ref, to: Ref): void {
    const size = CHUNK_HEADER_BYTES + this.chunkUsed(chunk)
    copyBytes(this.block(chunk), this.offset(chunk), this.block(to), this.offset(to), size)
    const item = this.chunkItem(chunk)
    const next = this.next(chunk)
    const previous = this.previous(chunk)
    const { view } = this.block(item)
    if (previous === 0) view.setInt32(this.valueAt(item), to, true)
    else this.setNext(previous, to)
    if (next === 0) view.setInt32(this.valueAt(item) + 4, to, true)
    else this.setPrevious(next, to)
  }

  #setChunkItem(chunk: Ref, item: ItemRef): void {
    this.#blocks[chunk >>> SEGMENT_SHIFT].words[((chunk & SEGMENT_MASK) << 1) + CHUNK_ITEM] = item
  }
}
