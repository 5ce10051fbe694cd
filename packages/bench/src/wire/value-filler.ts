// What values consist of: ranges of one pool of random printable bytes, which starts again at its end. Values
// of different keys begin at different places, so that they are not all the same, and a value of any length is
// written, or compared, about as fast as memory is copied. Knows nothing of where values go.
import { seededRandom } from '../workload/random.ts'

/**
 * Small enough for a processor's second cache. A prime, so that no two pieces of a value that are a power of two
 * apart, as a server's chunks are, can be mistaken for one another.
 */
const POOL_BYTES = 262_147
/** Leaves 18 bits, of numbers that are all below it. */
const START_SHIFT = 14
const SEED = 0x706f6f6c
const FIRST_PRINTABLE = 0x21
const PRINTABLES = 0x7f - FIRST_PRINTABLE
const WORD = 8
/** Above this, copying a view costs less than copying words, and making one more than either. */
const BLOCK_BYTES = 1_024
/** Of most processors, which then need not turn words around. */
const LITTLE_ENDIAN = true

const poolBytes = randomBytes()
const pool = new DataView(poolBytes.buffer)
/** Views of the pool's whole blocks. */
const blocks = Array.from({ length: Math.floor(POOL_BYTES / BLOCK_BYTES) }, (_, block) =>
  poolBytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES),
)

function randomBytes(): Uint8Array<ArrayBuffer> {
  const random = seededRandom(SEED)
  const bytes = new Uint8Array(POOL_BYTES)
  for (let at = 0; at < POOL_BYTES; at++) {
    bytes[at] = FIRST_PRINTABLE + Math.floor(random() * PRINTABLES)
  }
  return bytes
}

/** A mix of two numbers of which every bit counts (the finalizer of MurmurHash3, by Austin Appleby). */
export function mix32(first: number, second: number): number {
  let mixed = first ^ Math.imul(second, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** Where in the pool a value's filler begins: multiplicative hashing, of whose product the high bits are the best. */
export function fillerStart(key: number, version: number): number {
  return Math.imul(key ^ Math.imul(version, 0x9e3779b1), 0x85ebca6b) >>> START_SHIFT
}

/** Where values are written: bytes, and a view of them. */
export interface ValueMemory {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** Writes so many bytes of the filler that begins there. */
export function writeFiller(start: number, to: ValueMemory, at: number, length: number): void {
  let from = start
  let place = at
  const end = at + length
  while (place < end) {
    const intoBlock = from % BLOCK_BYTES
    const run = Math.min(end - place, BLOCK_BYTES - intoBlock, POOL_BYTES - from)
    if (run === BLOCK_BYTES) to.bytes.set(blocks[from / BLOCK_BYTES]!, place)
    else copyRun(from, to.view, place, run)
    place += run
    from += run
    if (from === POOL_BYTES) from = 0
  }
}

/**
 * Holds bytes against the part of a filler that begins `skipped` bytes behind its start. Returns how many are
 * right before the first wrong one; `length` if all are.
 */
export function matchFiller(
  start: number,
  skipped: number,
  bytes: DataView,
  at: number,
  length: number,
): number {
  let from = (start + skipped) % POOL_BYTES
  let matched = 0
  while (matched < length) {
    const run = Math.min(length - matched, POOL_BYTES - from)
    const right = matchRun(from, bytes, at + matched, run)
    matched += right
    if (right < run) return matched
    from = 0
  }
  return matched
}

// Eight bytes at a time as a floating point number: it is moved and compared as its bits are, for printable
// bytes are neither a zero nor a NaN, and bytes that differ are another number or a NaN.

function copyRun(from: number, to: DataView, at: number, length: number): void {
  if (length < WORD) {
    for (let done = 0; done < length; done++) to.setUint8(at + done, pool.getUint8(from + done))
    return
  }
  // The last word overlaps the one before it.
  const last = length - WORD
  for (let done = 0; done < last; done += WORD) copyWord(from + done, to, at + done)
  copyWord(from + last, to, at + last)
}

function copyWord(from: number, to: DataView, at: number): void {
  to.setFloat64(at, pool.getFloat64(from, LITTLE_ENDIAN), LITTLE_ENDIAN)
}

function matchRun(from: number, bytes: DataView, at: number, length: number): number {
  let done = 0
  while (
    done + WORD <= length &&
    bytes.getFloat64(at + done, LITTLE_ENDIAN) === pool.getFloat64(from + done, LITTLE_ENDIAN)
  ) {
    done += WORD
  }
  while (done < length && bytes.getUint8(at + done) === pool.getUint8(from + done)) done++
  return done
}
