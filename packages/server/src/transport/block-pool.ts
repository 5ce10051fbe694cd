// Blocks of one size for as long as somebody needs them, as clients do who don't take their answers. What thousands
// of them needed goes back to the system at once: a garbage collector would have to be called for it, which a thread
// that makes no garbage doesn't, and the C library would keep most of it. Knows memory, not what it is for.
import { discardMemory, MemoryBlock } from '../cache/memory.ts'

const PAGE_BYTES = 4096
/** Blocks are cut from regions, so that the system has few ranges of memory to know. */
const REGION_BYTES = 1024 * 1024

export class BlockPool {
  readonly #blockBytes: number
  readonly #kept: number
  /** Free ones that have their memory, at most `kept`. */
  readonly #warm: MemoryBlock[] = []
  /** Free ones that are no more than addresses. */
  readonly #cold: MemoryBlock[] = []

  /** So many free blocks keep their memory. The size is one of whole memory pages. */
  constructor(blockBytes: number, kept: number) {
    this.#blockBytes = blockBytes
    this.#kept = kept
  }

  /** A block with anything in it. */
  take(): MemoryBlock {
    return this.#warm.pop() ?? this.#cold.pop() ?? this.#cut()
  }

  /** Nobody needs the block any more. */
  give(block: MemoryBlock): void {
    if (this.#warm.length < this.#kept) {
      this.#warm.push(block)
    } else if (block.address !== 0) {
      discardMemory(block, 0, block.size)
      this.#cold.push(block)
    }
  }

  #cut(): MemoryBlock {
    const size = this.#blockBytes
    const count = Math.max(1, Math.floor(REGION_BYTES / size))
    const region = new MemoryBlock(new ArrayBuffer(count * size + PAGE_BYTES))
    // Where nothing can be given back, the garbage collector is to have each block by itself.
    if (region.address === 0) return new MemoryBlock(new ArrayBuffer(size))
    const first = (PAGE_BYTES - (region.address % PAGE_BYTES)) % PAGE_BYTES
    discardMemory(region, first, count * size)
    const block = (i: number): MemoryBlock =>
      new MemoryBlock(region.bytes.buffer, first + i * size, size)
    for (let i = 1; i < count; i++) this.#cold.push(block(i))
    return block(0)
  }
}
