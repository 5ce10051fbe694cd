// The bytes of a trace's file, read and decompressed ahead, so that the loop of a load can take them without
// ever waiting for the disk. Knows nothing of lines.
import { EventEmitter, once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BenchError } from '../errors.ts'
import { reasonOf, traceError } from './trace-error.ts'
import { isZstd, ZstdBytes } from './zstd-bytes.ts'

/** Bytes that come sooner or later. Whoever takes them never waits. */
export interface TraceBytes {
  /**
   * The next piece; undefined when it has not come yet, or nothing comes any more. Throws a BenchError
   * once all that could be read of a damaged file was taken.
   */
  take(): Uint8Array | undefined
  /** All was taken. */
  readonly ended: boolean
  /** How much of the file, as it lies on the disk, has been taken. */
  readonly position: number
  /** Of the file, in bytes; undefined for a pipe. */
  readonly size: number | undefined
  /** Resolves when there is something to take, or nothing more to wait for. */
  ready(): Promise<void>
  close(): Promise<void>
}

/**
 * The loop lets the event loop run every 20 ms, and then one piece arrives: pieces of this size are enough for
 * some million lines a second.
 */
const PIECE_BYTES = 4 * 1024 * 1024
const AHEAD_BYTES = 4 * PIECE_BYTES

/** Throws a BenchError when the file cannot be opened. */
export async function openTraceBytes(path: string): Promise<TraceBytes> {
  const file = await openFile(path)
  const { size } = await file.stat()
  const pieces = readPieces(file, path)
  const { value: first = new Uint8Array(0) } = await pieces.next()
  const ahead = new ReadAhead(path, first, pieces, size > 0 ? size : undefined)
  return isZstd(first) ? new ZstdBytes(ahead, path) : ahead
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    throw traceError(`cannot open the trace ${path}: ${reasonOf(error)}`, error)
  }
}

/** From wherever the file is, so that it may be a pipe. Closes it at the end. */
async function* readPieces(file: FileHandle, path: string): AsyncGenerator<Uint8Array, undefined> {
  try {
    // A pipe gives little at a time.
    let room = new Uint8Array(0)
    for (;;) {
      if (room.length === 0) room = new Uint8Array(PIECE_BYTES)
      const { bytesRead } = await file.read(room, 0, room.length, null)
      if (bytesRead === 0) return
      yield room.subarray(0, bytesRead)
      room = room.subarray(bytesRead)
    }
  } catch (error) {
    throw traceError(`cannot read the trace ${path}: ${reasonOf(error)}`, error)
  } finally {
    await file.close()
  }
}

interface Piece {
  readonly bytes: Uint8Array
  /** Of the file, what had been read when it arrived. */
  readonly position: number
}

class ReadAhead implements TraceBytes {
  position = 0
  readonly size: number | undefined
  readonly #path: string
  readonly #pieces: AsyncGenerator<Uint8Array, undefined>
  readonly #held: Piece[] = []
  readonly #events = new EventEmitter()
  readonly #pumped: Promise<void>
  #heldBytes = 0
  #read = 0
  /** Nothing arrives any more. */
  #over = false
  #failure: BenchError | undefined

  constructor(
    path: string,
    first: Uint8Array,
    rest: AsyncGenerator<Uint8Array, undefined>,
    size: number | undefined,
  ) {
    this.#path = path
    this.#pieces = rest
    this.size = size
    this.#pumped = this.#pump(isGzip(first) ? this.#gunzip(first) : this.#file(first))
  }

  take(): Uint8Array | undefined {
    const piece = this.#held.shift()
    if (piece === undefined) {
      if (this.#failure !== undefined) throw this.#failure
      return undefined
    }
    this.position = piece.position
    this.#heldBytes -= piece.bytes.length
    this.#events.emit('taken')
    return piece.bytes
  }

  get ended(): boolean {
    return this.#over && this.#held.length === 0 && this.#failure === undefined
  }

  async ready(): Promise<void> {
    if (this.#held.length === 0 && !this.#over) await once(this.#events, 'arrived')
  }

  async close(): Promise<void> {
    this.#over = true
    this.#events.emit('taken')
    await this.#pumped
  }

  async #pump(source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const { buffer, byteOffset, length } of source) {
        // Of one class, whoever made them: the parser's loops are compiled for that.
        const bytes = new Uint8Array(buffer, byteOffset, length)
        this.#held.push({ bytes, position: this.#read })
        this.#heldBytes += length
        this.#events.emit('arrived')
        while (this.#heldBytes >= AHEAD_BYTES && !this.#over) await once(this.#events, 'taken')
        if (this.#over) break
      }
    } catch (error) {
      this.#failure = this.#explain(error)
    }
    this.#over = true
    this.#events.emit('arrived')
  }

  async *#file(first: Uint8Array): AsyncGenerator<Uint8Array> {
    this.#read = first.length
    if (first.length > 0) yield first
    for await (const piece of this.#pieces) {
      this.#read += piece.length
      yield piece
    }
  }

  #gunzip(first: Uint8Array): AsyncIterable<Uint8Array> {
    // What goes wrong is told to whoever iterates over the last of them.
    return pipeline(
      Readable.from(this.#file(first)),
      createGunzip({ chunkSize: PIECE_BYTES }),
      () => {},
    )
  }

  #explain(error: unknown): BenchError {
    if (error instanceof BenchError) return error
    return traceError(`the trace ${this.#path} is damaged or cut off: ${reasonOf(error)}`, error)
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}
