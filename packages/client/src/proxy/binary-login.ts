// How a client of the binary protocol logs in: by SASL with the mechanism PLAIN (RFC 4616), in one message or, when it
// begins with an empty one, in two. Knows packets; no command but those of the login, and `version`, which all may ask.
import type { AnswerQueue } from './answer-queue.ts'
import {
  HEADER_BYTES,
  Opcode,
  type Packet,
  PacketStatus,
  packetOf,
  REQUEST_MAGIC,
  SaslOpcode,
} from './binary-packets.ts'
import { type Gatekeeper, type Login, MAX_FAILED_LOGINS } from './guarded-conversation.ts'
import * as replies from './replies.ts'

const MECHANISM = 'PLAIN'
/** A longer message can hold no name and password that anybody has. */
const MAX_BODY_BYTES = 8 * 1024

const NUL = 0

export class BinaryLogin implements Login {
  readonly #gatekeeper: Gatekeeper
  readonly #answers: AnswerQueue
  /** The client has named the mechanism and sends the rest by a step. */
  #hasBegun = false
  #failures = 0
  isOver = false
  isDone = false

  constructor(gatekeeper: Gatekeeper, answers: AnswerQueue) {
    this.#gatekeeper = gatekeeper
    this.#answers = answers
  }

  take(bytes: Buffer): number {
    if (bytes.length < HEADER_BYTES) return 0
    const opcode = bytes[1]!
    const opaque = bytes.readUInt32BE(12)
    const answer = (fields: Partial<Packet>): void =>
      this.#answers.say(packetOf({ opcode, opaque, ...fields }).toString('latin1'))
    if (bytes[0] !== REQUEST_MAGIC) {
      this.isOver = true
      return 0
    }
    const keyBytes = bytes.readUInt16BE(2)
    const bodyBytes = bytes.readUInt32BE(8)
    const valueAt = HEADER_BYTES + bytes[4]! + keyBytes
    const end = HEADER_BYTES + bodyBytes
    const isOurs = opcode === Opcode.version || isLogin(opcode)
    // As memcached, which closes on whoever gives commands before.
    if (!isOurs || bodyBytes > MAX_BODY_BYTES || valueAt > end) {
      answer({ status: PacketStatus.authenticationFailed })
      this.isOver = true
      return 0
    }
    if (bytes.length < end) return 0
    if (opcode === Opcode.version) {
      answer({ value: replies.VERSION.slice('VERSION '.length).trim() })
    } else if (opcode === SaslOpcode.listMechanisms) {
      answer({ value: MECHANISM })
    } else {
      const mechanism = bytes.toString('latin1', HEADER_BYTES + bytes[4]!, valueAt).toUpperCase()
      const begins = opcode === SaslOpcode.authenticate && mechanism === MECHANISM
      const message = bytes.subarray(valueAt, end)
      if (begins && message.length === 0) {
        this.#hasBegun = true
        answer({ status: PacketStatus.continue })
      } else if (
        (begins || (opcode === SaslOpcode.step && this.#hasBegun)) &&
        this.#accepts(message)
      ) {
        answer({ value: 'Authenticated' })
        this.isDone = true
      } else {
        answer({ status: PacketStatus.authenticationFailed })
        this.#hasBegun = false
        this.#failures++
        this.isOver = this.#failures >= MAX_FAILED_LOGINS
      }
    }
    return end
  }

  /** `<on whose behalf> NUL <user> NUL <password>`; nobody acts for somebody else. */
  #accepts(message: Buffer): boolean {
    const first = message.indexOf(NUL)
    const second = message.indexOf(NUL, first + 1)
    if (first < 0 || second < 0 || message.indexOf(NUL, second + 1) >= 0) return false
    const onBehalf = message.subarray(0, first)
    const user = message.subarray(first + 1, second)
    if (onBehalf.length > 0 && !onBehalf.equals(user)) return false
    return this.#gatekeeper.logIn(user, message.subarray(second + 1))
  }
}

function isLogin(opcode: number): boolean {
  return (
    opcode === SaslOpcode.listMechanisms ||
    opcode === SaslOpcode.authenticate ||
    opcode === SaslOpcode.step
  )
}
