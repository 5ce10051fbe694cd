// The keys of a trace, each with a number from 0 in the order in which they were first seen. Tens of millions
// of them must fit, so there is no object for any: a hash table with open addressing over typed arrays, and the
// texts one behind the other. Knows nothing of what is done with keys.
import { createHash } from 'node:crypto'
import type { KeySpace } from '../workload/operation.ts'
import { KEY_BYTES_MAX } from '../workload/workload.ts'
import { traceError } from './trace-error.ts'

/** About 25 bytes each, and their texts. */
const KEYS_MAX = 50_000_000

/**
 * By the upper bits of a key's hash, there are so many tables that each grow on their own: to double a single
 * one of tens of millions would hold up the load for a second.
 */
const TABLE_BITS = 8
const TABLES = 1 << TABLE_BITS
const SLOTS_FIRST = 16

/** A slot is two words: the hash, and the place of the text, or 0 when it is free. */
const SLOT_WORDS = 2

/** Of texts. A place in them is 32 bits: which segment, and where in it. */
const SEGMENT_BITS = 24
const SEGMENT_BYTES = 1 << SEGMENT_BITS
const SEGMENTS_MAX = 1 << (32 - SEGMENT_BITS)
/**
 * Before each text: the key's number, 4 bytes, so that looking it up touches no more memory than the slot and
 * the text; the text's length, and the length that the key has on the wire.
 */
const TEXT_HEAD = 6
const TEXT_LENGTH = 4
const WIRE_LENGTH = 5

const PLACES_BITS = 16
const PLACES = 1 << PLACES_BITS

const SPACE = 32
const DELETE_CHARACTER = 127
/** `~`: what fills up a key that is shorter than the one it stands for. */
const FILLER = 126
/** Hexadecimal digits of SHA-256: 128 bits. */
const REPLACEMENT_DIGITS = 32

export class KeyTable implements KeySpace {
  /** How many there may be. */
  readonly keys: number
  readonly longest = KEY_BYTES_MAX
  /** How many there are. */
  size = 0
  /** Of these, the ones whose text no server takes, so that a hash stands for it. */
  replaced = 0

  readonly #tables = Array.from({ length: TABLES }, () => new Int32Array(SLOTS_FIRST * SLOT_WORDS))
  readonly #used = new Uint32Array(TABLES)
  /** Of each key, where its text is. */
  readonly #places: Uint32Array[] = []
  readonly #segments: Uint8Array[] = []
  /** What is taken of the last segment. */
  #segmentUsed = SEGMENT_BYTES
  readonly #replacement = new Uint8Array(REPLACEMENT_DIGITS)

  constructor(keysMax = KEYS_MAX) {
    this.keys = keysMax
  }

  /**
   * The number of the key `bytes[from .. to)`, at least one byte; a new one for one that was never seen. On the
   * wire it is filled up to `wireBytes`, where that is longer: traces give short names to keys, and their true
   * length beside it. The length it is first seen with holds. Throws a BenchError when there are too many.
   */
  intern(bytes: Uint8Array, from: number, to: number, wireBytes = 0): number {
    let hash = 0x811c_9dc5 | 0
    let sendable = to - from <= KEY_BYTES_MAX
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!
      if (byte <= SPACE || byte === DELETE_CHARACTER) sendable = false
      hash = Math.imul(hash ^ byte, 0x0100_0193)
    }
    // One that ends with the filler might be the same as another, filled up.
    if (!sendable || bytes[to - 1] === FILLER) return this.#internHashed(bytes, from, to, wireBytes)
    return this.#find(bytes, from, to, mix(hash), wireBytes)
  }

  /** Writes the key as it goes over the wire and returns where it ends. */
  write(key: number, to: Uint8Array, at: number): number {
    const place = this.#places[key >>> PLACES_BITS]![key & (PLACES - 1)]!
    const segment = this.#segments[place >>> SEGMENT_BITS]!
    const head = place & (SEGMENT_BYTES - 1)
    const length = segment[head + TEXT_LENGTH]!
    const end = at + segment[head + WIRE_LENGTH]!
    // Texts are short: a loop is faster than a copy that has to be called.
    for (let index = 0; index < length; index++) to[at + index] = segment[head + TEXT_HEAD + index]!
    for (let index = at + length; index < end; index++) to[index] = FILLER
    return end
  }

  #internHashed(bytes: Uint8Array, from: number, to: number, wireBytes: number): number {
    const digits = createHash('sha256').update(bytes.subarray(from, to)).digest('hex')
    for (let at = 0; at < REPLACEMENT_DIGITS; at++) this.#replacement[at] = digits.charCodeAt(at)
    const size = this.size
    const key = this.intern(
      this.#replacement,
      0,
      REPLACEMENT_DIGITS,
      Math.max(wireBytes, to - from),
    )
    this.replaced += this.size - size
    return key
  }

  #find(bytes: Uint8Array, from: number, to: number, hash: number, wireBytes: number): number {
    const index = hash >>> (32 - TABLE_BITS)
    const table = this.#tables[index]!
    const mask = table.length - 1
    let slot = Math.imul(hash, SLOT_WORDS) & mask
    for (let place = table[slot + 1]!; place !== 0; place = table[slot + 1]!) {
      if (table[slot] === hash) {
        const segment = this.#segments[place >>> SEGMENT_BITS]!
        const head = place & (SEGMENT_BYTES - 1)
        if (isText(segment, head, bytes, from, to)) return numberAt(segment, head)
      }
      slot = (slot + SLOT_WORDS) & mask
    }
    const key = this.size
    table[slot] = hash
    table[slot + 1] = this.#add(bytes, from, to, wireBytes)
    const used = this.#used[index]! + 1
    this.#used[index] = used
    // Three quarters full.
    if (used * SLOT_WORDS * 4 >= table.length * 3) this.#tables[index] = doubled(table)
    return key
  }

  /** Returns the place of its text. */
  #add(bytes: Uint8Array, from: number, to: number, wireBytes: number): number {
    const length = to - from
    const key = this.size
    if (key === this.keys) {
      throw traceError(
        `the trace has more than ${key} different keys: play a sample of it, of one key in ten for example`,
      )
    }
    if (this.#segmentUsed + TEXT_HEAD + length > SEGMENT_BYTES) this.#openSegment()
    const segment = this.#segments.at(-1)!
    const head = this.#segmentUsed
    for (let byte = 0; byte < 4; byte++) segment[head + byte] = key >>> (8 * byte)
    segment[head + TEXT_LENGTH] = length
    segment[head + WIRE_LENGTH] = Math.min(KEY_BYTES_MAX, Math.max(length, wireBytes))
    for (let at = from, own = head + TEXT_HEAD; at < to; at++, own++) segment[own] = bytes[at]!
    this.#segmentUsed += TEXT_HEAD + length
    if ((key & (PLACES - 1)) === 0) this.#places.push(new Uint32Array(PLACES))
    const place = (this.#segments.length - 1) * SEGMENT_BYTES + head
    this.#places.at(-1)![key & (PLACES - 1)] = place
    this.size++
    return place
  }

  #openSegment(): void {
    if (this.#segments.length === SEGMENTS_MAX) {
      throw traceError(
        `the texts of the trace's first ${this.size} keys take 4 GiB: play a sample of it, of one key in ten for example`,
      )
    }
    this.#segments.push(new Uint8Array(SEGMENT_BYTES))
    // No text is at place 0.
    this.#segmentUsed = 1
  }
}

function isText(
  segment: Uint8Array,
  head: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean {
  if (segment[head + TEXT_LENGTH] !== to - from) return false
  for (let at = from, own = head + TEXT_HEAD; at < to; at++, own++) {
    if (bytes[at] !== segment[own]) return false
  }
  return true
}

function numberAt(segment: Uint8Array, head: number): number {
  const low = segment[head]! | (segment[head + 1]! << 8)
  return low | (segment[head + 2]! << 16) | (segment[head + 3]! << 24)
}

/** FNV-1a leaves the upper bits of short texts alike; the finalizer of MurmurHash3 (Appleby) does not. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return mixed ^ (mixed >>> 16)
}

function doubled(table: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(table.length * 2)
  const mask = larger.length - 1
  for (let old = 0; old < table.length; old += SLOT_WORDS) {
    if (table[old + 1] === 0) continue
    let slot = Math.imul(table[old]!, SLOT_WORDS) & mask
    while (larger[slot + 1] !== 0) slot = (slot + SLOT_WORDS) & mask
    larger[slot] = table[old]!
    larger[slot + 1] = table[old + 1]!
  }
  return larger
}
