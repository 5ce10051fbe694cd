// Holds what arrives on one connection against what the tape says must arrive, split at any byte.
// The common case is a byte-by-byte match with the expected literal, without looking for lines;
// only what differs is read as a line and judged. Knows no sockets and no clock.
import { GET, OPERATIONS, SET } from './operation.ts'
import type { Tally } from './tally.ts'
import type { Tape } from './tape.ts'

export interface AnswerReaderOptions {
  readonly tape: Tape
  readonly tally: Tally
  /** Whether a key without a value is an outcome like another (counted as a miss), or an error. */
  readonly mayMiss: boolean
  /** The request on the tape whose answer comes first. */
  readonly firstRequest: number
}

/** No line of an answer is longer: the longest key and four numbers. */
const LINE_BYTES_MAX = 512
const LINE_FEED = 10

/** One-line answers that end a request without doing what it asked; the next answer follows in step. */
const REFUSAL = /^(ERROR|CLIENT_ERROR|SERVER_ERROR|NOT_STORED|EXISTS|NOT_FOUND|NS|EX|NF|BUSY)\b.*/

export class AnswerReader {
  /** Set once the stream is not an answer to what was asked: nothing after this can be understood. */
  broken: string | undefined
  /** Requests that were answered, by kind: those that ask for keys as gets, all others as sets. */
  readonly answered = new Uint32Array(OPERATIONS.length)

  readonly #tape: Tape
  readonly #tally: Tally
  readonly #mayMiss: boolean
  #request: number
  #piece: number
  /** Bytes of the piece's literal that have come. */
  #matched = 0
  /** Bytes of value still to come. */
  #skip = 0
  /** Values that have come in this answer. */
  #hits = 0
  /** A line that is not the expected one, as far as it has come. */
  #line: string | undefined

  constructor(options: AnswerReaderOptions) {
    this.#tape = options.tape
    this.#tally = options.tally
    this.#mayMiss = options.mayMiss
    this.#request = options.firstRequest
    this.#piece = options.tape.firstPiece[options.firstRequest]!
  }

  /**
   * Takes the next `length` bytes and returns how many answers they complete. `outstanding` is how
   * many are due: bytes after the last of them break the stream.
   */
  read(bytes: Uint8Array, length: number, outstanding: number): number {
    const { literals, literalStart, literalEnd, skip } = this.#tape
    let at = 0
    let completed = 0
    while (at < length) {
      if (completed === outstanding) {
        this.broken = `sent ${length - at} bytes that nobody asked for`
        return completed
      }
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, length - at)
        at += step
        this.#skip -= step
        if (this.#skip === 0) {
          this.#hits++
          if (this.#endPiece()) completed++
        }
        continue
      }
      if (this.#line !== undefined) {
        at = this.#readLine(bytes, at, length)
        if (this.broken !== undefined) return completed
        if (this.#lineEnded && this.#judgeLine()) completed++
        if (this.broken !== undefined) return completed
        continue
      }
      let expected = literalStart[this.#piece]! + this.#matched
      const end = literalEnd[this.#piece]!
      while (expected < end && at < length && bytes[at] === literals[expected]) {
        at++
        expected++
      }
      if (expected === end) {
        this.#matched = 0
        this.#skip = skip[this.#piece]!
        if (this.#skip === 0 && this.#endPiece()) completed++
      } else {
        this.#matched = expected - literalStart[this.#piece]!
        if (at < length) this.#leaveLiteral(bytes[at]!)
      }
    }
    return completed
  }

  /** Goes to the next piece; true when that ends the answer. */
  #endPiece(): boolean {
    this.#piece++
    if (this.#piece < this.#tape.firstPiece[this.#request + 1]!) return false
    const asked = this.#tape.keysAsked[this.#request]!
    if (asked === 0) {
      this.#tally.operations[SET]!++
    } else {
      this.#tally.operations[GET]! += asked
      if (this.#hits < asked) this.#miss(asked - this.#hits)
    }
    this.#nextRequest()
    return true
  }

  #miss(keys: number): void {
    this.#tally.misses += keys
    if (!this.#mayMiss) this.#tally.fail('missed a key that was stored before the run', keys)
  }

  #nextRequest(): void {
    this.answered[this.#tape.keysAsked[this.#request]! > 0 ? GET : SET]!++
    this.#hits = 0
    this.#request++
    if (this.#request === this.#tape.length) this.#request = 0
    this.#piece = this.#tape.firstPiece[this.#request]!
  }

  /** The byte differs from the literal: either the rest of the keys are missing, or it is another line. */
  #leaveLiteral(byte: number): void {
    const { literals, literalStart, firstPiece } = this.#tape
    const last = firstPiece[this.#request + 1]! - 1
    if (this.#matched === 0 && this.#piece < last && byte === literals[literalStart[last]!]) {
      this.#piece = last
      return
    }
    const start = literalStart[this.#piece]!
    this.#line = Buffer.from(literals.subarray(start, start + this.#matched)).toString('latin1')
    this.#matched = 0
  }

  #readLine(bytes: Uint8Array, from: number, length: number): number {
    const lineFeed = bytes.subarray(0, length).indexOf(LINE_FEED, from)
    const to = lineFeed === -1 ? length : lineFeed + 1
    const text = this.#line + Buffer.from(bytes.subarray(from, to)).toString('latin1')
    if (text.length > LINE_BYTES_MAX) this.broken = `answered ${quote(text)}`
    this.#line = text
    return to
  }

  get #lineEnded(): boolean {
    return this.#line?.endsWith('\n') ?? false
  }

  /** Decides what a line that was not expected means; true when it ends the answer. */
  #judgeLine(): boolean {
    const line = this.#line ?? ''
    this.#line = undefined
    const later = this.#laterPiece(line)
    if (later !== undefined) {
      this.#piece = later
      this.#skip = this.#tape.skip[later]!
      return this.#skip === 0 && this.#endPiece()
    }
    if (line === 'EN\r\n' && this.#isSingleMetaGet()) {
      this.#tally.operations[GET]!++
      this.#miss(1)
    } else if (REFUSAL.test(line)) {
      this.#tally.fail(`answered ${quote(line)}`)
    } else {
      this.broken = `answered ${quote(line)} where ${quote(this.#expectedLine())} was due`
      return false
    }
    this.#nextRequest()
    return true
  }

  /** The piece of this answer, from the present one on, that the line is: keys between them are missing. */
  #laterPiece(line: string): number | undefined {
    const end = this.#tape.firstPiece[this.#request + 1]!
    for (let piece = this.#piece; piece < end; piece++) {
      if (this.#literal(piece) === line) return piece
    }
    return undefined
  }

  #isSingleMetaGet(): boolean {
    const { workload, keysAsked } = this.#tape
    return workload.protocol === 'meta' && keysAsked[this.#request] === 1
  }

  #expectedLine(): string {
    return this.#literal(this.#piece)
  }

  #literal(piece: number): string {
    const { literals, literalStart, literalEnd } = this.#tape
    return Buffer.from(literals.subarray(literalStart[piece], literalEnd[piece])).toString('latin1')
  }
}

function quote(line: string): string {
  const text = line.trimEnd()
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}
