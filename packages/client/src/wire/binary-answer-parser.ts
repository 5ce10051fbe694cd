// Turns the packets of a connection that speaks the binary protocol, cut anywhere, into the answers that
// the meta protocol would give: what reads them sees no difference. Any doubt about the framing is a
// ProtocolError, after which the stream is worth nothing.
import { ProtocolError } from '../errors.ts'
import { Answer, Status } from './answer.ts'
import { ArrivingBytes } from './arriving-bytes.ts'
import { HEADER_BYTES, Magic, Opcode, Outcome } from './binary-layout.ts'

/** memcached's largest `-I`, and what comes with it. */
const BODY_MAX_BYTES = 1024 ** 3 + 1024

export class BinaryAnswerParser {
  readonly #answer = new Answer()
  readonly #onAnswer: (answer: Answer) => void
  /** The beginning of a header whose end has not arrived. */
  readonly #header = Buffer.alloc(HEADER_BYTES)
  #headerBytes = 0
  /** A packet of which a part has not arrived. */
  #packet: ArrivingBytes | undefined

  /** `onAnswer` gets every answer while `push` runs; the object is filled anew for the next one. */
  constructor(onAnswer: (answer: Answer) => void) {
    this.#onAnswer = onAnswer
  }

  /** Bytes that have yet to come of a packet of which a part has. */
  get awaitedBytes(): number {
    return this.#packet?.missing ?? 0
  }

  /**
   * Takes `chunk[0..length)`. The chunk may be overwritten afterwards.
   * @throws ProtocolError, or what `onAnswer` throws; the parser must then be thrown away.
   */
  push(chunk: Buffer, length: number): void {
    let at = 0
    while (at < length) {
      if (this.#packet !== undefined) {
        at = this.#fill(this.#packet, chunk, at, length)
        continue
      }
      const missing = HEADER_BYTES - this.#headerBytes
      if (this.#headerBytes > 0 || length - at < missing) {
        const copied = chunk.copy(
          this.#header,
          this.#headerBytes,
          at,
          Math.min(length, at + missing),
        )
        this.#headerBytes += copied
        at += copied
        if (this.#headerBytes === HEADER_BYTES) this.#begin(this.#header, 0)
        continue
      }
      const end = at + HEADER_BYTES + bodyLength(chunk, at)
      if (end <= length) {
        this.#answerWith(chunk, at, end, false)
        at = end
      } else {
        this.#begin(chunk, at)
        at += HEADER_BYTES
      }
    }
  }

  /** A packet whose header is here and whose body is not. */
  #begin(source: Buffer, at: number): void {
    const packet = new ArrivingBytes(HEADER_BYTES + bodyLength(source, at))
    packet.take(source, at, at + HEADER_BYTES)
    this.#headerBytes = 0
    if (packet.missing === 0) this.#answerWith(packet.bytes, 0, HEADER_BYTES, true)
    else this.#packet = packet
  }

  #fill(packet: ArrivingBytes, chunk: Buffer, from: number, to: number): number {
    const at = packet.take(chunk, from, to)
    if (packet.missing === 0) {
      this.#packet = undefined
      this.#answerWith(packet.bytes, 0, packet.length, true)
    }
    return at
  }

  /** `bytes[at..end)` is a packet; `owned` when nobody else will write there. */
  #answerWith(bytes: Buffer, at: number, end: number, owned: boolean): void {
    const opcode = bytes.readUInt8(at + 1)
    const keyAt = at + HEADER_BYTES + bytes.readUInt8(at + 4)
    const valueAt = keyAt + bytes.readUInt16BE(at + 2)
    if (valueAt > end) throw new ProtocolError('the node sent a packet shorter than its parts')
    const answer = this.#answer
    const outcome = bytes.readUInt16BE(at + 6)
    answer.size = 0
    answer.line = ''
    answer.status = statusOf(opcode, outcome)
    if (outcome !== Outcome.done) {
      if (answer.status > 0xffff) answer.line = failureLine(answer.status, bytes, valueAt, end)
    } else if (answer.status === Status.value) {
      if (opcode === Opcode.get || opcode === Opcode.getAndTouch) {
        answer.flags = keyAt - at >= HEADER_BYTES + 4 ? bytes.readUInt32BE(at + HEADER_BYTES) : 0
        answer.cas = String(bytes.readBigUInt64BE(at + 16))
        answer.size = end - valueAt
        answer.place(bytes, valueAt, owned)
      } else if (end - valueAt === 8) {
        const text = Buffer.from(String(bytes.readBigUInt64BE(valueAt)))
        answer.size = text.length
        answer.place(text, 0, true)
      } else throw new ProtocolError('the node sent a counter that has not 64 bits')
    } else if (opcode === Opcode.version) {
      answer.line = `VERSION ${bytes.toString('latin1', valueAt, end)}`
    } else if (opcode === Opcode.stat) {
      const name = bytes.toString('latin1', keyAt, valueAt)
      answer.status = name === '' ? Status.end : Status.stat
      answer.line = `STAT ${name} ${bytes.toString('latin1', valueAt, end)}`
    }
    this.#onAnswer(answer)
    answer.release()
  }
}

function bodyLength(bytes: Buffer, at: number): number {
  if (bytes[at] !== Magic.response) {
    const start = JSON.stringify(bytes.toString('latin1', at, at + HEADER_BYTES))
    throw new ProtocolError(`the node sent ${start}, which is no packet of the binary protocol`)
  }
  const length = bytes.readUInt32BE(at + 8)
  if (length > BODY_MAX_BYTES) throw new ProtocolError('the node sent a packet beyond all items')
  return length
}

/** What the meta protocol, or the classic one, would say. */
function statusOf(opcode: number, outcome: number): number {
  switch (outcome) {
    case Outcome.done:
      return successOf(opcode)
    case Outcome.notFound:
      return absenceOf(opcode)
    case Outcome.exists:
      return opcode === Opcode.add ? Status.notStored : Status.exists
    case Outcome.notStored:
      return Status.notStored
    case Outcome.loginRefused:
    case Outcome.loginUnfinished:
      return Status.clientError
    case Outcome.unknownCommand:
      return Status.error
    default:
      return Status.serverError
  }
}

function successOf(opcode: number): number {
  switch (opcode) {
    case Opcode.get:
    case Opcode.getAndTouch:
    case Opcode.incr:
    case Opcode.decr:
      return Status.value
    case Opcode.flush:
      return Status.ok
    case Opcode.version:
      return Status.version
    case Opcode.stat:
      return Status.stat
    case Opcode.login:
      return Status.stored
    default:
      return Status.done
  }
}

function absenceOf(opcode: number): number {
  switch (opcode) {
    case Opcode.get:
    case Opcode.getAndTouch:
    case Opcode.touch:
      return Status.miss
    case Opcode.replace:
    case Opcode.append:
    case Opcode.prepend:
      return Status.notStored
    default:
      return Status.notFound
  }
}

function failureLine(status: number, bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('latin1', from, Math.min(to, from + 200))
  switch (status) {
    case Status.clientError:
      return `CLIENT_ERROR unauthenticated: ${text}`
    case Status.error:
      return `ERROR ${text}`
    default:
      return `SERVER_ERROR ${text}`
  }
}
