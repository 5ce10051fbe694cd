// Turns the bytes of a connection, cut anywhere, into answers. Length-driven: a value may hold any
// bytes, and nothing is ever scanned twice. Knows the shape of answers, not which command each one
// belongs to. Any doubt about the shape is a ProtocolError, after which the stream is worth nothing.
import { ProtocolError } from '../errors.ts'
import { Answer, Mark, Status } from './answer.ts'
import { ArrivingBytes } from './arriving-bytes.ts'

const LINE_MAX_BYTES = 8 * 1024
/** memcached's largest `-I`. */
export const VALUE_MAX_BYTES = 1024 ** 3
const SPACE = 0x20
const CR = 0x0d
const LF = 0x0a
const ZERO = 0x30

export class AnswerParser {
  protected readonly answer: Answer
  readonly #onAnswer: (answer: Answer) => void
  /** The beginning of a line whose end has not arrived. */
  readonly #line = Buffer.allocUnsafe(LINE_MAX_BYTES + 1)
  #lineBytes = 0
  /** A value, with its line end, of which a part has not arrived. */
  #value: ArrivingBytes | undefined

  /** `onAnswer` gets every answer while `push` runs; the object is filled anew for the next one. */
  constructor(onAnswer: (answer: Answer) => void, answer = new Answer()) {
    this.#onAnswer = onAnswer
    this.answer = answer
  }

  /** Bytes that have yet to come of a value of which a part has. */
  get awaitedBytes(): number {
    return this.#value?.missing ?? 0
  }

  /**
   * Takes `chunk[0..length)`. The chunk may be overwritten afterwards.
   * @throws ProtocolError, or what `onAnswer` throws; the parser must then be thrown away.
   */
  push(chunk: Buffer, length: number): void {
    let at = 0
    if (this.#value !== undefined) {
      at = this.#fill(this.#value, chunk, 0, length)
      if (this.#value !== undefined) return
    }
    while (at < length) {
      let newline = at
      while (newline < length && chunk[newline] !== LF) newline++
      if (newline === length || this.#lineBytes > 0) {
        this.#keep(chunk, at, newline)
        if (newline === length) return
        const lineBytes = this.#lineBytes
        this.#lineBytes = 0
        this.parseLine(this.#line, 0, lineBytes)
      } else {
        this.parseLine(chunk, at, newline)
      }
      at = newline + 1
      if (this.answer.status !== Status.value) {
        this.#onAnswer(this.answer)
        continue
      }
      const end = at + this.answer.size
      if (end + 2 <= length) {
        if (chunk[end] !== CR || chunk[end + 1] !== LF) throw misframed()
        this.answer.place(chunk, at, false)
        at = end + 2
        this.#onAnswer(this.answer)
      } else {
        this.valueIsCut()
        this.#value = new ArrivingBytes(this.answer.size + 2)
        at = this.#fill(this.#value, chunk, at, length)
      }
    }
  }

  /** Keeps a part of a line for the chunk that brings the rest. */
  #keep(chunk: Buffer, from: number, to: number): void {
    if (this.#lineBytes + to - from > LINE_MAX_BYTES) {
      throw new ProtocolError(`the node sent a line of more than ${LINE_MAX_BYTES} bytes`)
    }
    this.#lineBytes += chunk.copy(this.#line, this.#lineBytes, from, to)
  }

  /** Adds to the incomplete value, and answers with it once complete. Returns where the chunk goes on. */
  #fill(value: ArrivingBytes, chunk: Buffer, from: number, to: number): number {
    const at = value.take(chunk, from, to)
    if (value.missing === 0) {
      const { bytes } = value
      const size = this.answer.size
      if (bytes[size] !== CR || bytes[size + 1] !== LF) throw misframed()
      this.#value = undefined
      this.answer.place(bytes, 0, true)
      this.#onAnswer(this.answer)
      this.answer.release()
    }
    return at
  }

  /** The value whose line was just parsed goes on in other chunks. */
  protected valueIsCut(): void {}

  /** `bytes[start..newline)` is a line that must end in CR. */
  protected parseLine(bytes: Buffer, start: number, newline: number): void {
    const end = newline - 1
    if (end < start + 2 || bytes[end] !== CR) throw unexpected(bytes, start, newline)
    const answer = this.answer
    answer.size = 0
    const second = start + 2
    if (end === second || bytes[second] === SPACE) {
      answer.status = (bytes[start]! << 8) | bytes[start + 1]!
      answer.marks = 0
      answer.others = ''
      if (answer.status === Status.value) this.#parseValueLine(bytes, second, end)
      else if (end > second) this.#parseFlags(bytes, second, end)
    } else {
      answer.line = bytes.toString('latin1', start, end)
      answer.status = statusOfWord(answer.line)
      if (answer.status === 0) throw unexpected(bytes, start, newline)
    }
  }

  /** ` <size> <flag>*`, where each flag is a letter and what the node says of it. */
  #parseValueLine(bytes: Buffer, start: number, end: number): void {
    const answer = this.answer
    answer.flags = 0
    let at = start + 1
    let size = 0
    for (; at < end && bytes[at] !== SPACE; at++) size = size * 10 + digit(bytes[at]!)
    if (at === start + 1 || size > VALUE_MAX_BYTES) throw unexpected(bytes, start, end)
    answer.size = size
    this.#parseFlags(bytes, at, end)
  }

  /** ` <flag>*`, each a letter and what the node says of it. */
  #parseFlags(bytes: Buffer, start: number, end: number): void {
    const answer = this.answer
    let at = start
    while (at < end) {
      const letter = bytes[++at]
      const from = ++at
      while (at < end && bytes[at] !== SPACE) at++
      switch (letter) {
        case FLAGS:
          answer.flags = decimal(bytes, from, at)
          break
        case CAS:
          answer.cas = bytes.toString('latin1', from, at)
          break
        case TTL:
          answer.ttl = bytes[from] === MINUS ? -1 : decimal(bytes, from, at)
          break
        case IDLE:
          answer.idle = decimal(bytes, from, at)
          break
        case FETCHED:
          answer.fetched = bytes[from] === ONE
          break
        case SIZE:
          answer.itemSize = decimal(bytes, from, at)
          break
        case WON:
          answer.marks |= Mark.won
          break
        case STALE:
          answer.marks |= Mark.stale
          break
        case TAKEN:
          answer.marks |= Mark.taken
          break
        default:
          answer.others += `${answer.others && ' '}${bytes.toString('latin1', from - 1, at)}`
      }
    }
  }
}

const FLAGS = 0x66 // f
const CAS = 0x63 // c
const TTL = 0x74 // t
const IDLE = 0x6c // l
const FETCHED = 0x68 // h
const SIZE = 0x73 // s
const WON = 0x57 // W
const STALE = 0x58 // X
const TAKEN = 0x5a // Z
const MINUS = 0x2d
const ONE = 0x31

function decimal(bytes: Buffer, from: number, to: number): number {
  let number = 0
  for (let i = from; i < to; i++) number = number * 10 + digit(bytes[i]!)
  return number
}

function digit(byte: number): number {
  const value = byte - ZERO
  if (value < 0 || value > 9) throw new ProtocolError('the node sent a number that is not one')
  return value
}

export function statusOfWord(line: string): number {
  const space = line.indexOf(' ')
  switch (space < 0 ? line : line.slice(0, space)) {
    case 'STAT':
    case 'ITEM': // of `stats cachedump`
      return Status.stat
    case 'END':
      return Status.end
    case 'VERSION':
      return Status.version
    case 'STORED':
      return Status.stored
    case 'RESET':
      return Status.reset
    case 'ERROR':
      return Status.error
    case 'CLIENT_ERROR':
      return Status.clientError
    case 'SERVER_ERROR':
      return Status.serverError
    default:
      return 0
  }
}

function misframed(): ProtocolError {
  return new ProtocolError('the node sent a value that does not end where it said')
}

export function unexpected(bytes: Buffer, start: number, end: number): ProtocolError {
  const line = JSON.stringify(bytes.toString('latin1', start, Math.min(end, start + 80)))
  return new ProtocolError(`the node sent ${line}, which no memcached server answers`)
}
