// A block of raw memory and the one way to copy between blocks without making garbage.
// Knows nothing of items or requests: the arena, the input and the reply buffers are all such blocks.

/**
 * Bytes seen through the views the hot path needs. `address` is the block's address in this process for
 * direct system calls, or 0 where there are none.
 */
export class MemoryBlock {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly words: Int32Array
  readonly size: number
  readonly address: number

  constructor(buffer: ArrayBufferLike, offset = 0, size = buffer.byteLength - offset) {
    this.bytes = new Uint8Array(buffer, offset, size)
    this.view = new DataView(buffer, offset, size)
    this.words = new Int32Array(buffer, offset, size >> 2)
    this.size = size
    this.address = native === undefined ? 0 : native.addressOf(this.bytes)
  }
}

/** What a platform with direct calls adds: the C library's memmove, and addresses to give it. */
export interface NativeMemory {
  addressOf(bytes: Uint8Array): number
  /** Memory of this process that is not V8's; the caller vouches for address and size. */
  view(address: number, size: number): ArrayBuffer
  /** Memory below 2^31 that is never given back, or undefined if there is none. */
  allocateLow(size: number): ArrayBuffer | undefined
  /** As memmove(3): target address, source address, byte count. */
  move(target: number, source: number, length: number): unknown
  /** Gives whole memory pages within the range back to the system; they read as zeros when next used. */
  discard(address: number, length: number): void
  /** Asks for large memory pages within the range, from its next use on. */
  preferHugePages(address: number, length: number): void
}

let native: NativeMemory | undefined
let move: NativeMemory['move'] = () => undefined

/** To be called once per thread, before the first block is made. */
export function useNativeMemory(memory: NativeMemory): void {
  native = memory
  move = memory.move
}

/**
 * A block of memory that lies at an address of this process, a mapped file say.
 * @throws Error on a platform without addresses.
 */
export function blockAt(address: number, size: number): MemoryBlock {
  if (native === undefined) throw new Error('no memory can be reached by address here')
  return new MemoryBlock(native.view(address, size))
}

/**
 * A block for as long as the process lives. Where the platform can, its address is below 2^31: V8 passes
 * such a number to a call as it is, and makes an object of any larger one.
 */
export function permanentBlock(size: number): MemoryBlock {
  return new MemoryBlock(native?.allocateLow(size) ?? new ArrayBuffer(size))
}

/** Gives a part of a block back to the system, if there are direct calls. What was in it is lost. */
export function discardMemory(block: MemoryBlock, at: number, length: number): void {
  native?.discard(block.address + at, length)
}

/**
 * Asks for large memory pages, if there are direct calls: what is read at random from much memory waits less for the
 * translation of its addresses. What is used of the buffer is then committed in steps of 2 MiB.
 */
export function preferHugePages(
  buffer: SharedArrayBuffer,
  offset = 0,
  length = buffer.byteLength - offset,
): void {
  if (native === undefined || length === 0) return
  native.preferHugePages(native.addressOf(new Uint8Array(buffer, offset, 1)), length)
}

/**
 * Up to here a loop over 32-bit words beats a foreign call (about 100 ns each way). DataViews take any
 * alignment, and V8 compiles their accessors to single instructions.
 */
const WORD_LOOP_MAX_BYTES = 256

/** Copies between blocks that do not overlap. */
export function copyBytes(
  source: MemoryBlock,
  from: number,
  target: MemoryBlock,
  to: number,
  length: number,
): void {
  if (length > WORD_LOOP_MAX_BYTES) {
    if (native !== undefined) {
      move(target.address + to, source.address + from, length)
    } else {
      target.bytes.set(source.bytes.subarray(from, from + length), to)
    }
    return
  }
  const sourceView = source.view
  const targetView = target.view
  if (length < 4) {
    for (let i = 0; i < length; i++) targetView.setUint8(to + i, sourceView.getUint8(from + i))
    return
  }
  // The last word overlaps the one before it, so that no bytes are left over. Four words a round, and `| 0`,
  // which tells V8 that nothing overflows, make 100 bytes a third cheaper.
  const last = (from + length - 4) | 0
  const distance = (to - from) | 0
  let i = from
  for (; i < last - 12; i = (i + 16) | 0) {
    const j = (i + distance) | 0
    targetView.setInt32(j, sourceView.getInt32(i, true), true)
    targetView.setInt32((j + 4) | 0, sourceView.getInt32((i + 4) | 0, true), true)
    targetView.setInt32((j + 8) | 0, sourceView.getInt32((i + 8) | 0, true), true)
    targetView.setInt32((j + 12) | 0, sourceView.getInt32((i + 12) | 0, true), true)
  }
  for (; i < last; i = (i + 4) | 0) {
    targetView.setInt32((i + distance) | 0, sourceView.getInt32(i, true), true)
  }
  targetView.setInt32((last + distance) | 0, sourceView.getInt32(last, true), true)
}

/** Whether two ranges hold the same bytes. */
export function equalBytes(
  left: MemoryBlock,
  leftAt: number,
  right: MemoryBlock,
  rightAt: number,
  length: number,
): boolean {
  const leftView = left.view
  const rightView = right.view
  if (length < 4) {
    for (let i = 0; i < length; i++) {
      if (leftView.getUint8(leftAt + i) !== rightView.getUint8(rightAt + i)) return false
    }
    return true
  }
  const last = (leftAt + length - 4) | 0
  const distance = (rightAt - leftAt) | 0
  for (let i = leftAt; i < last; i = (i + 4) | 0) {
    if (leftView.getInt32(i, true) !== rightView.getInt32((i + distance) | 0, true)) return false
  }
  return leftView.getInt32(last, true) === rightView.getInt32((last + distance) | 0, true)
}
