// The memory that holds items: one buffer, seen in segments of 1 GiB, given out in slab pages of 1 MiB.
// Page 0 holds no items, but what describes those of the others. Knows nothing of items or classes. The kernel commits a page when it is first written, so an arena may
// be as large as its limit says without costing anything yet.
import { blockAt, discardMemory, MemoryBlock } from './memory.ts'

/**
 * Where something lies in the arena: a 32-bit count of 8-byte units (so at most 32 GiB), 0 for nothing.
 * Kept as a signed number, which V8 holds unboxed; only `>>>` may look at its high bits.
 */
export type Ref = number

export const PAGE_BYTES = 1024 * 1024
/** Slab classes are numbered below this (memcached's MAX_NUMBER_OF_SLAB_CLASSES). */
export const MAX_SLAB_CLASSES = 64
/** 32 GiB of units, less the first pages of the classes and the unused page 0. */
export const MAX_MEMORY_BYTES = 32768 * PAGE_BYTES - (MAX_SLAB_CLASSES + 1) * PAGE_BYTES

export const UNIT_BYTES = 8
const PAGE_UNITS_SHIFT = 17
const SEGMENT_BYTES = 1024 * PAGE_BYTES
/** `ref >>> SEGMENT_SHIFT` is the segment, `ref & SEGMENT_MASK` the unit within it. */
export const SEGMENT_SHIFT = 27
export const SEGMENT_MASK = (1 << SEGMENT_SHIFT) - 1

/** The start of page 0 is left to who keeps the arena in a file; behind it lies what describes the contents. */
export const FILE_HEADER_BYTES = 4096

/**
 * The size of buffer an arena for `limitBytes` needs. A class may take its first page past the limit (as
 * in memcached), and page 0 has no items, so that no reference is 0.
 */
export function arenaBytes(limitBytes: number): number {
  return (1 + Math.ceil(limitBytes / PAGE_BYTES) + MAX_SLAB_CLASSES) * PAGE_BYTES
}

/** Where the bytes are: in a buffer, or mapped at an address of this process (`-e`). */
export type ArenaMemory = SharedArrayBuffer | MappedMemory

export interface MappedMemory {
  readonly address: number
  readonly byteLength: number
}

export class Arena {
  /** The segments, by `ref >>> SEGMENT_SHIFT`. */
  readonly blocks: readonly MemoryBlock[]
  readonly pages: number
  /** Page 0 without the file's header. */
  readonly description: MemoryBlock

  constructor(memory: ArenaMemory) {
    const blocks: MemoryBlock[] = []
    for (let at = 0; at < memory.byteLength; at += SEGMENT_BYTES) {
      const size = Math.min(SEGMENT_BYTES, memory.byteLength - at)
      blocks.push(
        'address' in memory
          ? blockAt(memory.address + at, size)
          : new MemoryBlock(memory, at, size),
      )
    }
    this.blocks = blocks
    this.pages = memory.byteLength / PAGE_BYTES
    const { buffer, byteOffset } = blocks[0].bytes
    this.description = new MemoryBlock(
      buffer,
      byteOffset + FILE_HEADER_BYTES,
      PAGE_BYTES - FILE_HEADER_BYTES,
    )
  }

  /** The reference of the byte at `offset` (a multiple of 8) within a page. */
  refInPage(page: number, offset: number): Ref {
    return (page << PAGE_UNITS_SHIFT) | (offset / UNIT_BYTES) | 0
  }

  /** Gives a page's memory back to the system where that is possible. What was in it is lost. */
  discard(page: number): void {
    const ref = this.refInPage(page, 0)
    discardMemory(this.blockOf(ref), this.offsetOf(ref), PAGE_BYTES)
  }

  pageOf(ref: Ref): number {
    return ref >>> PAGE_UNITS_SHIFT
  }

  blockOf(ref: Ref): MemoryBlock {
    return this.blocks[ref >>> SEGMENT_SHIFT]
  }

  /** Byte offset of `ref` in its block. */
  offsetOf(ref: Ref): number {
    return (ref & SEGMENT_MASK) << 3
  }
}
