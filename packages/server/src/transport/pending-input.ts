// Input that can't be consumed yet: the beginning of a line, mostly. It is kept with its connection, in a buffer
// with room to read more. Knows buffers and their limits; what the bytes are, nobody knows yet.
import { NO_BUFFERS } from '../cache/event-log.ts'
import { copyBytes, type MemoryBlock } from '../cache/memory.ts'
import { type Engine, MAX_KEYS_LINE_BYTES } from '../protocol/engine.ts'
import { BlockPool } from './block-pool.ts'
import type { StreamConnection } from './stream-connection.ts'

/** The first buffer; longer lines of keys double it. */
const FIRST_BYTES = 16 * 1024
const MAX_BYTES = 2 * MAX_KEYS_LINE_BYTES
/** Bytes of free buffers of a size that keep their memory. */
const POOL_BYTES = 1024 * 1024

export class PendingInput {
  readonly #engine: Engine
  /** For all connections of the thread together. */
  readonly #maxBytes: number
  /** By the binary logarithm of their size. */
  readonly #pools: BlockPool[] = []
  #bytes = 0

  constructor(engine: Engine, maxBytes: number) {
    this.#engine = engine
    this.#maxBytes = maxBytes
  }

  /** Keeps `from`..`end` of a block with the connection. False if that is too much: it has to be closed. */
  keep(connection: StreamConnection, block: MemoryBlock, from: number, end: number): boolean {
    const rest = end - from
    connection.pendingFrom = 0
    connection.pendingLength = rest
    if (rest === 0) {
      this.drop(connection)
      return true
    }
    if (connection.pending !== undefined && rest * 2 <= block.size) {
      if (from > 0) block.bytes.copyWithin(0, from, end)
      return true
    }
    const larger = this.#larger(rest)
    if (larger === undefined) {
      connection.protocol.trouble = NO_BUFFERS
      return false
    }
    copyBytes(block, from, larger, 0, rest)
    this.drop(connection)
    connection.pending = larger
    return true
  }

  /** Consumes what is kept up to `from`, and leaves the rest where it is. */
  consume(connection: StreamConnection, from: number): void {
    const rest = connection.pendingLength - (from - connection.pendingFrom)
    connection.pendingFrom = from
    connection.pendingLength = rest
    if (rest === 0) this.drop(connection)
  }

  /** Adds `from`..`end` of another block to what is kept. False if that is too much: it has to be closed. */
  append(connection: StreamConnection, block: MemoryBlock, from: number, end: number): boolean {
    const { pending, pendingFrom, pendingLength } = connection
    if (pending === undefined) return this.keep(connection, block, from, end)
    const length = pendingLength + end - from
    let target = pending
    if (length > pending.size) {
      const larger = this.#larger(length)
      if (larger === undefined) {
        connection.protocol.trouble = NO_BUFFERS
        return false
      }
      copyBytes(pending, pendingFrom, larger, 0, pendingLength)
      this.drop(connection)
      connection.pending = larger
      target = larger
    } else if (pendingFrom + length > pending.size) {
      pending.bytes.copyWithin(0, pendingFrom, pendingFrom + pendingLength)
      connection.pendingFrom = 0
    }
    copyBytes(block, from, target, connection.pendingFrom + pendingLength, end - from)
    connection.pendingLength = length
    return true
  }

  /** A block with room for twice as much, or undefined if that is too much. */
  #larger(length: number): MemoryBlock | undefined {
    const size = Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(length * 2)))
    if (size > MAX_BYTES) return undefined
    if (this.#bytes + size > this.#maxBytes) {
      this.#engine.countReadBufferOom()
      return undefined
    }
    this.#bytes += size
    return this.#poolOf(size).take()
  }

  #poolOf(size: number): BlockPool {
    const power = Math.log2(size)
    this.#pools[power] ??= new BlockPool(size, Math.floor(POOL_BYTES / size))
    return this.#pools[power]
  }

  drop(connection: StreamConnection): void {
    const { pending } = connection
    if (pending === undefined) return
    connection.pending = undefined
    connection.pendingFrom = 0
    this.#bytes -= pending.size
    this.#poolOf(pending.size).give(pending)
  }
}
