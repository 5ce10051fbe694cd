// Answers that a proxy passes on: of both protocols in which it asks, classic and meta, with no more understood of them
// than where they end and what came of the command. Knows not which command each belongs to.
import { type Answer, Status } from './answer.ts'
import { AnswerParser, statusOfWord, unexpected, VALUE_MAX_BYTES } from './answer-parser.ts'
import { RelayedAnswer } from './relayed-answer.ts'

const SPACE = 0x20
const CR = 0x0d
const LF = 0x0a
const ZERO = 0x30
const NINE = 0x39
const LETTER_A = 0x41
const LETTER_D = 0x44
const LETTER_E = 0x45
const LETTER_L = 0x4c
const LETTER_V = 0x56

/** The words of the classic protocol that tell what came of a command, each by its first letters. */
const OUTCOMES: readonly (readonly [word: string, status: number])[] = [
  ['STORED', Status.stored],
  ['DELETED', Status.positive],
  ['TOUCHED', Status.positive],
  ['NOT_STORED', Status.negative],
  ['NOT_FOUND', Status.negative],
  ['EXISTS', Status.negative],
]

export class RelayedAnswerParser extends AnswerParser {
  constructor(onAnswer: (answer: Answer) => void) {
    super(onAnswer, new RelayedAnswer())
  }

  protected override parseLine(bytes: Buffer, start: number, newline: number): void {
    const end = newline - 1
    if (end < start + 1 || bytes[end] !== CR) throw unexpected(bytes, start, newline)
    const answer = this.answer as RelayedAnswer
    // A line that came in pieces was put together without its end.
    bytes[newline] = LF
    answer.lineSource = bytes
    answer.lineStart = start
    answer.lineEnd = newline + 1
    answer.size = 0
    answer.keyEnd = 0
    answer.release()
    const first = bytes[start]!
    const second = start + 2
    if (first === LETTER_V && bytes[start + 1] === LETTER_A && bytes[second] === LETTER_L) {
      answer.status = Status.value
      this.#classicValue(bytes, start, end)
    } else if (end === start + 3 && first === LETTER_E && bytes[second] === LETTER_D) {
      answer.status = Status.end
    } else if (first >= ZERO && first <= NINE) {
      answer.status = Status.positive
    } else if (end === second || bytes[second] === SPACE) {
      answer.status = (first << 8) | bytes[start + 1]!
      if (answer.status === Status.value) {
        answer.size = this.#size(bytes, second + 1, end)
      }
    } else this.#word(bytes, start, newline)
  }

  protected override valueIsCut(): void {
    ;(this.answer as RelayedAnswer).detachLine()
  }

  /** `VALUE <key> <flags> <size>[ <cas>]`. */
  #classicValue(bytes: Buffer, start: number, end: number): void {
    const answer = this.answer as RelayedAnswer
    let at = start + 'VALUE '.length
    answer.keyStart = at
    while (at < end && bytes[at] !== SPACE) at++
    answer.keyEnd = at
    at++
    while (at < end && bytes[at] !== SPACE) at++
    answer.size = this.#size(bytes, at + 1, end)
  }

  #size(bytes: Buffer, from: number, end: number): number {
    let size = 0
    let at = from
    for (; at < end && bytes[at] !== SPACE; at++) {
      const digit = bytes[at]! - ZERO
      if (digit < 0 || digit > 9) throw unexpected(bytes, this.#lineStart, end)
      size = size * 10 + digit
    }
    if (at === from || size > VALUE_MAX_BYTES) throw unexpected(bytes, this.#lineStart, end)
    return size
  }

  get #lineStart(): number {
    return (this.answer as RelayedAnswer).lineStart
  }

  #word(bytes: Buffer, start: number, newline: number): void {
    const { answer } = this
    for (const [word, status] of OUTCOMES) {
      if (newline - 1 - start === word.length && bytes[start] === word.charCodeAt(0)) {
        if (bytes.toString('latin1', start, newline - 1) === word) {
          answer.status = status
          return
        }
      }
    }
    answer.line = bytes.toString('latin1', start, newline - 1)
    answer.status = statusOfWord(answer.line)
    if (answer.status === 0) throw unexpected(bytes, start, newline)
  }
}
