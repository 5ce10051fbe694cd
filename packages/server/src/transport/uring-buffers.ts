// Where the kernel puts what a thread's connections receive: a few buffers that it fills one after the other
// (IOU_PBUF_RING_INC, Linux 6.12), so that small requests lie close together. Knows no connection.
import { permanentBlock } from '../cache/memory.ts'
import { putAddress } from './gather.ts'
import { BUFFER_ENTRY_BYTES, type Ring } from './uring-ring.ts'

/** A power of two. */
const COUNT = 16
const BUFFER_BYTES = 64 * 1024

// Of `struct io_uring_buf`; the tail of the ring lies in what the first one has reserved.
const LENGTH = 8
const ID = 12
const TAIL = 14

export class UringBuffers {
  readonly block = permanentBlock(COUNT * BUFFER_BYTES)
  readonly #ring: DataView
  readonly #tails: Uint16Array
  readonly #filled = new Int32Array(COUNT)
  #tail = 0

  /** Throws a UringError where the kernel can't fill buffers so. */
  constructor(ring: Ring) {
    this.#ring = ring.provideBuffers(COUNT)
    this.#tails = new Uint16Array(this.#ring.buffer)
    for (let id = 0; id < COUNT; id++) this.giveBack(id)
  }

  /** Where the `length` bytes that came next into a buffer are in the block. */
  take(id: number, length: number): number {
    const at = id * BUFFER_BYTES + this.#filled[id]
    this.#filled[id] += length
    return at
  }

  /** What is in the buffer isn't needed any more. */
  giveBack(id: number): void {
    this.#filled[id] = 0
    const at = (this.#tail & (COUNT - 1)) * BUFFER_ENTRY_BYTES
    const address = this.block.address + id * BUFFER_BYTES
    putAddress(this.#ring, at, address)
    this.#ring.setUint32(at + LENGTH, BUFFER_BYTES, true)
    this.#ring.setUint16(at + ID, id, true)
    this.#tail = (this.#tail + 1) & 0xffff
    Atomics.store(this.#tails, TAIL / 2, this.#tail)
  }
}
