// A trace that is being played: its file is read ahead while the event loop runs, its lines are decoded ahead in
// small steps while operations are drawn, so that neither ever holds up the load. Plays nothing itself.
import { KeyTable } from './key-table.ts'
import { openTraceBytes, type TraceBytes } from './trace-bytes.ts'
import { traceError } from './trace-error.ts'
import { layoutOf, type TraceFormat, type TraceLayout } from './trace-layout.ts'
import { TraceParser } from './trace-parser.ts'
import { TraceRecords } from './trace-records.ts'
import { WholeLines } from './whole-lines.ts'

export interface TraceOptions {
  /** Told from the first line if it is not given. */
  readonly format?: TraceFormat
  /** What its times count: 1 for seconds, 1,000 for milliseconds. */
  readonly ticksPerSecond?: number
  /** Different keys, at most. */
  readonly maxKeys?: number
  /** Operations that are decoded ahead; a power of two. A whole second should fit, to be spread evenly. */
  readonly recordsAhead?: number
}

const RECORDS_AHEAD = 256 * 1024
/** Lines that are decoded in one go: 0.1 ms. */
const STEP = 256
/** More than this, and the file is not what it was taken for. */
const MALFORMED_SHARE_MAX = 0.01
/** So many lines are enough to judge by. */
const JUDGED_LINES = 10_000

/**
 * Opens it and decodes ahead as much as there is room for. Throws a BenchError when it is missing, empty, of no
 * format that we know, or one of those that `decode` throws.
 */
export async function openTrace(path: string, options: TraceOptions = {}): Promise<TraceReader> {
  return await readTrace(await openTraceBytes(path), path, options)
}

/** The same for bytes that come from elsewhere; `name` is for messages. */
export async function readTrace(
  bytes: TraceBytes,
  name: string,
  options: TraceOptions = {},
): Promise<TraceReader> {
  try {
    const lines = new WholeLines(bytes)
    let first = lines.take()
    while (first === undefined && !lines.ended) {
      await bytes.ready()
      first = lines.take()
    }
    if (first === undefined) throw traceError(`the trace ${name} is empty`)
    const layout = layoutOf(firstLine(first), options.format, name)
    const trace = new TraceReader(name, bytes, lines, first, layout, options)
    await trace.fill()
    return trace
  } catch (error) {
    await bytes.close()
    throw error
  }
}

export class TraceReader {
  readonly name: string
  readonly layout: TraceLayout
  readonly keys: KeyTable
  /** What has been decoded and not played. */
  readonly records: TraceRecords
  readonly #bytes: TraceBytes
  readonly #lines: WholeLines
  readonly #parser: TraceParser
  #piece: Uint8Array
  #at: number
  /** Records, since the beginning and since more were decoded. */
  #drawn = 0
  #drawnSinceDecoded = 0
  #ended = false

  constructor(
    name: string,
    bytes: TraceBytes,
    lines: WholeLines,
    first: Uint8Array,
    layout: TraceLayout,
    { ticksPerSecond = 1, maxKeys, recordsAhead = RECORDS_AHEAD }: TraceOptions,
  ) {
    this.name = name
    this.layout = layout
    this.keys = new KeyTable(maxKeys)
    this.records = new TraceRecords(recordsAhead)
    this.#bytes = bytes
    this.#lines = lines
    this.#parser = new TraceParser(layout, ticksPerSecond, this.keys, this.records)
    this.#piece = first
    this.#at = layout.format === 'csv' ? first.indexOf(LINE_FEED) + 1 : 0
  }

  /** Nothing more will be decoded; what has been may still be there. */
  get ended(): boolean {
    return this.#ended
  }

  /** Of the file as it lies on the disk, about how many bytes the records that were drawn take. */
  get position(): number {
    const decoded = this.#drawn + this.records.length
    return decoded === 0 ? 0 : Math.round((this.#bytes.position * this.#drawn) / decoded)
  }

  /** Of the file, in bytes; undefined for a pipe. */
  get size(): number | undefined {
    return this.#bytes.size
  }

  /** What the lines read so far were. */
  get account(): TraceAccount {
    const { lines, malformed, complaints, leftOut, leftOutNames } = this.#parser
    return {
      lines,
      malformed,
      complaints,
      leftOut,
      leftOutNames: [...leftOutNames],
      keys: this.keys.size,
      replacedKeys: this.keys.replaced,
    }
  }

  /**
   * Decodes as many lines as have arrived, there is room for, and are allowed. Never waits. Throws a BenchError
   * when the file is damaged, or too many of its lines are not what they should be.
   */
  decode(lines: number): void {
    const parser = this.#parser
    const until = parser.lines + lines
    while (parser.lines < until && !this.records.full && !this.#ended) {
      if (this.#at === this.#piece.length && !this.#nextPiece()) break
      this.#at = parser.parse(this.#piece, this.#at, until - parser.lines)
    }
    if (parser.lines >= JUDGED_LINES) this.#judge()
  }

  /** Forgets the oldest record. Decodes more in its place from time to time, faster than records are drawn. */
  advance(): void {
    this.records.drop()
    this.#drawn++
    this.#drawnSinceDecoded++
    if (this.#drawnSinceDecoded === STEP) {
      this.#drawnSinceDecoded = 0
      this.decode(2 * STEP)
    }
  }

  /** Decodes ahead as much as there is room for, when the load got ahead of the disk. */
  async fill(): Promise<void> {
    for (;;) {
      this.decode(this.records.capacity)
      if (this.records.full || this.#ended) return
      await this.#bytes.ready()
    }
  }

  async close(): Promise<void> {
    await this.#bytes.close()
  }

  #nextPiece(): boolean {
    const piece = this.#lines.take()
    if (piece !== undefined) {
      this.#piece = piece
      this.#at = 0
      return true
    }
    if (this.#lines.ended) {
      this.#ended = true
      this.#judge()
      if (this.keys.size === 0) throw traceError(`no line of ${this.name} is an operation to play`)
    }
    return false
  }

  #judge(): void {
    const { lines, malformed, complaints } = this.#parser
    if (malformed <= lines * MALFORMED_SHARE_MAX) return
    throw traceError(
      `${malformed} of the first ${lines} lines of ${this.name} are malformed: ${complaints[0]}`,
    )
  }
}

/** What became of the lines of a trace. */
export interface TraceAccount {
  /** Lines read, a header among them. */
  readonly lines: number
  /** Of these, the ones that could not be read; and what is wrong with the first. */
  readonly malformed: number
  readonly complaints: readonly string[]
  /** Operations of kinds that are not played; and the names of the first such kinds. */
  readonly leftOut: number
  readonly leftOutNames: readonly string[]
  /** Different keys; and how many of them no server takes as they are, so that a hash stands for them. */
  readonly keys: number
  readonly replacedKeys: number
}

const LINE_FEED = 10

function firstLine(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, bytes.indexOf(LINE_FEED)))
    .toString('utf8')
    .trimEnd()
}
