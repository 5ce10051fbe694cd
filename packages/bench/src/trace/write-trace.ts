// Writes what a load would ask for as a trace of Twitter's format, so that simulators can be fed the same
// stream. Knows nothing of where the operations come from.
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { BenchError } from '../errors.ts'
import {
  GET,
  type KeySpace,
  OPERATIONS,
  type Operation,
  type OperationSource,
  operation,
} from '../workload/operation.ts'
import { reasonOf, traceError } from './trace-error.ts'

/** `refill` is asked where there is one, when nothing is left to draw: is there more after all? */
export interface TraceSource extends OperationSource {
  refill?(): Promise<boolean>
}

export interface WriteTraceOptions {
  readonly source: TraceSource
  readonly keys: KeySpace
  /** At most; fewer when the source ends. */
  readonly operations: number
  /** By which the operations' times are told; 1,000. */
  readonly operationsPerSecond?: number
  readonly signal?: AbortSignal
}

const PIECE_BYTES = 256 * 1024
const COMMA = 44
const LINE_FEED = 10
const ZERO = 48
/** Two numbers of up to 16 digits, three smaller ones, a name and the commas. */
const LINE_BYTES_WITHOUT_KEY = 128

/**
 * Writes `timestamp,key,key size,value size,client,operation,TTL` to the file, compressed when its name ends
 * with `.gz`. Returns how many operations it wrote. Throws a BenchError when the file cannot be written.
 */
export async function writeTrace(path: string, options: WriteTraceOptions): Promise<number> {
  if (/\.(zst|zstd|bz2|xz)$/.test(path)) {
    throw traceError(`cannot compress ${path}: name it .csv or .csv.gz`)
  }
  const lines = new TraceLines(options)
  const { signal } = options
  const compress = path.endsWith('.gz') ? createGzip() : new PassThrough()
  try {
    const file = createWriteStream(path)
    await once(file, 'open')
    await pipeline(lines.pieces(), compress, file, { signal })
  } catch (error) {
    if (signal?.aborted || error instanceof BenchError) throw error
    throw traceError(`cannot write the trace ${path}: ${reasonOf(error)}`, error)
  }
  return lines.written
}

const NAMES = OPERATIONS.map((name) => Uint8Array.from(Buffer.from(name)))

class TraceLines {
  written = 0
  readonly #options: WriteTraceOptions
  readonly #operation = operation()

  constructor(options: WriteTraceOptions) {
    this.#options = options
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const { source, keys, operations } = this.#options
    const room = keys.longest + LINE_BYTES_WITHOUT_KEY
    let piece = new Uint8Array(PIECE_BYTES)
    let at = 0
    while (this.written < operations) {
      if (!source.next(this.#operation)) {
        if (await source.refill?.()) continue
        break
      }
      if (at + room > PIECE_BYTES) {
        yield piece.subarray(0, at)
        piece = new Uint8Array(PIECE_BYTES)
        at = 0
      }
      at = this.#line(piece, at, this.#operation)
      this.written++
    }
    yield piece.subarray(0, at)
  }

  #line(to: Uint8Array, at: number, { kind, key, valueBytes, ttl }: Operation): number {
    const { keys, operationsPerSecond = 1_000 } = this.#options
    const keyFrom = number(to, at, Math.floor(this.written / operationsPerSecond))
    const keyTo = keys.write(key, to, keyFrom)
    to[keyTo] = COMMA
    let end = number(to, keyTo + 1, keyTo - keyFrom)
    end = number(to, end, valueBytes)
    end = number(to, end, 0)
    const name = NAMES[kind]!
    to.set(name, end)
    end += name.length
    to[end] = COMMA
    end = number(to, end + 1, kind === GET ? 0 : ttl)
    to[end - 1] = LINE_FEED
    return end
  }
}

/** Writes a whole number and a comma, and returns where they end. */
function number(to: Uint8Array, at: number, value: number): number {
  let end = at
  let left = value
  do {
    to[end] = ZERO + (left % 10)
    end++
    left = Math.floor(left / 10)
  } while (left > 0)
  to.subarray(at, end).reverse()
  to[end] = COMMA
  return end + 1
}
