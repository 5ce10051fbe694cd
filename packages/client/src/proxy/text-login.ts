// How a client of the text protocols logs in, as with memcached's -Y: by what looks like a `set`, whose value is
// `<user> <password>`. Whatever else it sends is refused. Knows no command.
import type { AnswerQueue } from './answer-queue.ts'
import { type Gatekeeper, type Login, MAX_FAILED_LOGINS } from './guarded-conversation.ts'

const STORED = 'STORED\r\n'
const UNAUTHENTICATED = 'CLIENT_ERROR unauthenticated\r\n'
const TOKEN_TOO_LONG = 'CLIENT_ERROR auth token too long\r\n'
const BAD_TERMINATION = 'CLIENT_ERROR bad command line termination\r\n'
const BAD_FORMAT = 'CLIENT_ERROR bad authentication token format\r\n'
const FAILURE = 'CLIENT_ERROR authentication failure\r\n'

const LINE_MAX_BYTES = 2048
/** A client that sends less is none of ours. */
const LINE_MIN_BYTES = 6
const TOKEN_MAX_BYTES = 16 * 1024
const LENGTH_MAX = 0xffff_ffff
const CRLF_BYTES = 2

const LF = 10
const SPACE = 32

export class TextLogin implements Login {
  readonly #gatekeeper: Gatekeeper
  readonly #answers: AnswerQueue
  /** Of user, password and line end, which come next; 0 when a line does. */
  #tokenBytes = 0
  /** Bytes of a refused token that are dropped as they come. */
  #swallow = 0
  #failures = 0
  isOver = false
  isDone = false

  constructor(gatekeeper: Gatekeeper, answers: AnswerQueue) {
    this.#gatekeeper = gatekeeper
    this.#answers = answers
  }

  take(bytes: Buffer): number {
    if (this.#swallow > 0) {
      const dropped = Math.min(this.#swallow, bytes.length)
      this.#swallow -= dropped
      return dropped
    }
    if (this.#tokenBytes === 0) return this.#takeLine(bytes)
    const length = this.#tokenBytes
    if (bytes.length < length) return 0
    this.#tokenBytes = 0
    this.#takeToken(bytes.subarray(0, length))
    return length
  }

  #takeLine(bytes: Buffer): number {
    const length = bytes.indexOf(LF) + 1
    if (length === 0 || length < LINE_MIN_BYTES) {
      this.isOver = length > 0 || bytes.length > LINE_MAX_BYTES
      return 0
    }
    const words = bytes
      .toString('latin1', 0, length)
      .split(/[ \r\n]+/)
      .filter((word) => word !== '')
    const [, digits] = (words[0] === 'set' && /^(\d{1,10})$/.exec(words[4] ?? '')) || []
    const valueBytes = Number(digits)
    if (!(valueBytes <= LENGTH_MAX)) {
      this.#answers.say(UNAUTHENTICATED)
    } else if (valueBytes + CRLF_BYTES > TOKEN_MAX_BYTES) {
      this.#answers.say(TOKEN_TOO_LONG)
      this.#swallow = valueBytes + CRLF_BYTES
    } else {
      this.#tokenBytes = valueBytes + CRLF_BYTES
    }
    return length
  }

  #takeToken(token: Buffer): void {
    const end = token.length - CRLF_BYTES
    const space = token.indexOf(SPACE)
    if (token.toString('latin1', end) !== '\r\n') this.#answers.say(BAD_TERMINATION)
    else if (space < 0) this.#answers.say(BAD_FORMAT)
    else if (this.#gatekeeper.logIn(token.subarray(0, space), token.subarray(space + 1, end))) {
      this.#answers.say(STORED)
      this.isDone = true
    } else {
      this.#answers.say(FAILURE)
      this.#failures++
      this.isOver = this.#failures >= MAX_FAILED_LOGINS
    }
  }
}
