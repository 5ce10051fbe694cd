// Reads lines of a trace into records: bytes, not strings, and most of them once, since a trace has billions of
// lines. Knows no files and no end of them.
import type { KeyTable } from './key-table.ts'
import { LEFT_OUT, operationKind } from './trace-kinds.ts'
import type { ColumnRole, TraceLayout } from './trace-layout.ts'
import type { TraceRecords } from './trace-records.ts'
import { LINE_BYTES_MAX } from './whole-lines.ts'

/** memcached takes no larger item, whatever its `-I`. */
const VALUE_BYTES_MAX = 1024 * 1024 * 1024
const UINT32_MAX = 0xffff_ffff
const COMPLAINTS_MAX = 5
const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const QUOTE = 34
const COMMA = 44
const DOT = 46
const ZERO = 48

/** Roles as numbers, which are compared faster; those of columns that hold a number come first. */
const TIME = 0
const VALUE_BYTES = 1
const KEY_BYTES = 2
const TTL = 3
const COUNT = 4
const KEY = 5
const OPERATION = 6
const OTHER = 7
const CODES: Readonly<Record<ColumnRole, number>> = {
  time: TIME,
  valueBytes: VALUE_BYTES,
  keyBytes: KEY_BYTES,
  ttl: TTL,
  count: COUNT,
  key: KEY,
  operation: OPERATION,
  other: OTHER,
}
/** By code: the largest number, and what is wrong with a line when the column is not what it should be. */
const LIMITS = [Number.MAX_SAFE_INTEGER, VALUE_BYTES_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX]
const FAULTS = [
  'has no time',
  'has no possible size of a value',
  'has no size of the key',
  'has no time to live',
  'has no number of operations',
  'has no key',
  'is not quoted well',
  'is not quoted well',
]

export class TraceParser {
  /** Lines read, the header among them. */
  lines: number
  /** Those that are no operation. */
  malformed = 0
  /** Operations that are not played. */
  leftOut = 0
  /** What is wrong with the first lines that are malformed. */
  readonly complaints: string[] = []
  /** Names of the first kinds of operation that were left out. */
  readonly leftOutNames = new Set<string>()

  readonly #quotes: boolean
  readonly #columns: Uint8Array
  readonly #ticksPerSecond: number
  readonly #keys: KeyTable
  readonly #records: TraceRecords
  /** Takes lines without their quotes. */
  readonly #unquoted = new Uint8Array(LINE_BYTES_MAX + 1)

  constructor(layout: TraceLayout, ticksPerSecond: number, keys: KeyTable, records: TraceRecords) {
    this.#quotes = layout.format === 'csv'
    this.#columns = Uint8Array.from(layout.columns, (role) => CODES[role])
    this.#ticksPerSecond = ticksPerSecond
    this.#keys = keys
    this.#records = records
    this.lines = layout.format === 'csv' ? 1 : 0
  }

  /**
   * Reads lines from `at` on, at most `count` and as many as there is room for; returns where the next one
   * begins. The bytes end with a line feed.
   */
  parse(bytes: Uint8Array, at: number, count: number): number {
    const records = this.#records
    let next = at
    for (let left = count; left > 0 && next < bytes.length && !records.full; left--) {
      this.lines++
      const end = this.#parseLine(bytes, next, 0, this.#quotes)
      next = end > 0 ? end : this.#parseOddLine(bytes, next)
    }
    return next
  }

  /**
   * Returns where the next line begins; or, when the line is none of those that most are, the negative number of
   * the first column that is odd, counted from 1. A key with commas ends at `keyEnd`, any other before that.
   */
  #parseLine(bytes: Uint8Array, from: number, keyEnd: number, mayQuote: boolean): number {
    const columns = this.#columns
    const last = columns.length - 1
    let time = 0
    let valueBytes = 0
    let keyBytes = 0
    let ttl = 0
    let count = 1
    let keyFrom = 0
    let keyTo = 0
    let operationFrom = 0
    let operationTo = 0
    let at = from
    for (let column = 0; column <= last; column++) {
      const code = columns[column]!
      const begin = at
      if (code <= COUNT) {
        let number = 0
        let digit = bytes[at]! - ZERO
        for (; digit >= 0 && digit <= 9; digit = bytes[at]! - ZERO) {
          number = number * 10 + digit
          at++
        }
        if (digit === DOT - ZERO && at > begin) {
          at = endOfDigits(bytes, at + 1)
          number = decimal(bytes, begin, at)
        }
        if (number > LIMITS[code]!) return -1 - column
        if (code === TIME) time = number
        else if (code === VALUE_BYTES) valueBytes = number
        else if (code === KEY_BYTES) keyBytes = number
        else if (code === TTL) ttl = number
        else if (at > begin) count = number
        if (at === begin && code === TIME) return -1 - column
        if (bytes[at] === CARRIAGE_RETURN) at++
      } else {
        if (mayQuote && bytes[at] === QUOTE) return -1 - column
        if (code === KEY && at < keyEnd) at = keyEnd
        let byte = bytes[at]!
        // Letters and digits, nearly all there is, come after these.
        while (byte > COMMA || (byte !== COMMA && byte !== LINE_FEED)) byte = bytes[++at]!
        const end = byte === LINE_FEED && bytes[at - 1] === CARRIAGE_RETURN ? at - 1 : at
        if (code === KEY) {
          if (end <= begin) return -1 - column
          keyFrom = begin
          keyTo = end
        } else if (code === OPERATION) {
          operationFrom = begin
          operationTo = end
        }
      }
      if (bytes[at] !== (column < last ? COMMA : LINE_FEED)) return -1 - column
      at++
    }
    if (at - from > LINE_BYTES_MAX + 1) return -1
    const kind = operationKind(bytes, operationFrom, operationTo)
    if (kind === LEFT_OUT) {
      this.#leaveOut(bytes, operationFrom, operationTo)
      return at
    }
    if (count < 1) return -1 - columns.indexOf(COUNT)
    const key = this.#keys.intern(bytes, keyFrom, keyTo, keyBytes)
    this.#records.add(time / this.#ticksPerSecond, kind, key, valueBytes, ttl, count)
    return at
  }

  /** An empty line, one with quotes, or with commas in its key; or none at all. Returns where the next begins. */
  #parseOddLine(bytes: Uint8Array, from: number): number {
    const end = bytes.indexOf(LINE_FEED, from)
    if (end === from || (end === from + 1 && bytes[from] === CARRIAGE_RETURN)) return end + 1
    if (end - from > LINE_BYTES_MAX) {
      this.#refuse(bytes, from, end, `is longer than ${LINE_BYTES_MAX} bytes`)
      return end + 1
    }
    const parsed = this.#quotes
      ? this.#parseQuoted(bytes, from, end)
      : this.#parseLine(bytes, from, this.#endOfKey(bytes, from, end), false)
    if (parsed > 0) return end + 1
    const fields = this.#fields(bytes, from, end)
    const columns = this.#columns.length
    const fault = FAULTS[this.#columns[-1 - parsed]!]!
    this.#refuse(
      bytes,
      from,
      end,
      fields === columns ? fault : `has ${fields} columns, not ${columns}`,
    )
    return end + 1
  }

  /** Twitter does not quote: commas that a line has too many are in its key. */
  #endOfKey(bytes: Uint8Array, from: number, end: number): number {
    let at = end
    for (let after = this.#columns.length - 1 - this.#columns.indexOf(KEY); after > 0; after--) {
      at = at > from ? bytes.lastIndexOf(COMMA, at - 1) : -1
    }
    return Math.max(at, 0)
  }

  #fields(bytes: Uint8Array, from: number, end: number): number {
    let fields = 1
    for (let at = from; at < end; at++) {
      if (bytes[at] === COMMA) fields++
      else if (this.#quotes && beginsQuotes(bytes, from, at)) at = closingQuote(bytes, at)
    }
    return fields
  }

  /** Parses a copy of the line without its quotes. What is doubled within them stays so: it tells keys apart. */
  #parseQuoted(bytes: Uint8Array, from: number, end: number): number {
    const copy = this.#unquoted
    let to = 0
    let keyEnd = 0
    let column = 0
    for (let at = from; at < end; at++) {
      if (!beginsQuotes(bytes, from, at)) {
        copy[to++] = bytes[at]!
        if (bytes[at] === COMMA) column++
        continue
      }
      const close = closingQuote(bytes, at)
      if (close === end) return -1 - column
      const isKey = this.#columns[column] === KEY
      // In other columns a comma would be taken for their end.
      for (at++; at < close; at++) copy[to++] = isKey || bytes[at] !== COMMA ? bytes[at]! : QUOTE
      if (isKey) keyEnd = to
    }
    copy[to] = LINE_FEED
    return this.#parseLine(copy, 0, keyEnd, false)
  }

  #leaveOut(bytes: Uint8Array, from: number, to: number): void {
    this.leftOut++
    if (this.leftOutNames.size < COMPLAINTS_MAX) this.leftOutNames.add(text(bytes, from, to))
  }

  #refuse(bytes: Uint8Array, from: number, end: number, why: string): void {
    this.malformed++
    if (this.complaints.length < COMPLAINTS_MAX) {
      this.complaints.push(`line ${this.lines} ${why}: ${JSON.stringify(text(bytes, from, end))}`)
    }
  }
}

function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at]! >= ZERO && bytes[at]! <= ZERO + 9) at++
  return at
}

/** Of digits with a point between them. Few traces have such numbers. */
function decimal(bytes: Uint8Array, from: number, to: number): number {
  return Number(Buffer.from(bytes.subarray(from, to)).toString('latin1'))
}

function beginsQuotes(bytes: Uint8Array, lineFrom: number, at: number): boolean {
  return bytes[at] === QUOTE && (at === lineFrom || bytes[at - 1] === COMMA)
}

/** Where the quotes that begin at `from` are closed; where they are not, the end of the line. */
function closingQuote(bytes: Uint8Array, from: number): number {
  let at = from + 1
  while (bytes[at] !== LINE_FEED) {
    if (bytes[at] === QUOTE) {
      if (bytes[at + 1] !== QUOTE) return at
      at++
    }
    at++
  }
  return at
}

function text(bytes: Uint8Array, from: number, to: number): string {
  const shown = Buffer.from(bytes.subarray(from, Math.min(to, from + 80))).toString('utf8')
  return to - from > 80 ? `${shown}...` : shown
}
