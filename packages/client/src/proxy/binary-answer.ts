// How the binary protocol tells what came of a request that a node was asked in text: the node's line and value, or its
// failure, as a packet; nothing where a quiet command has nothing to tell. Knows no socket and no routing.
import { ProtocolError } from '../errors.ts'
import type { CallReceiver } from '../node/call.ts'
import { Status } from '../wire/answer.ts'
import type { RelayedAnswer } from '../wire/relayed-answer.ts'
import { NOT_CARRIED_OUT } from '../wire/relayed-operations.ts'
import { type AnswerQueue, type Forgiving, QueuedAnswer } from './answer-queue.ts'
import { Opcode, PacketStatus, packetOf } from './binary-packets.ts'
import type { BinaryRequest } from './binary-request-parser.ts'
import * as replies from './replies.ts'

const NUMBER_BYTES = 8
const FLAGS_BYTES = 4
/** Digits of 2^64, and blanks. */
const NUMBER_MAX_LENGTH = 24
const MAX_U32 = 2n ** 32n - 1n
const MAX_U64 = 2n ** 64n - 1n

export class BinaryAnswer extends QueuedAnswer implements CallReceiver {
  readonly #queue: AnswerQueue
  readonly #opcode: number
  readonly #command: number
  readonly #opaque: number
  readonly #quiet: boolean
  readonly #key: string

  constructor(queue: AnswerQueue, request: BinaryRequest) {
    super()
    this.#queue = queue
    this.#opcode = request.opcode
    this.#command = request.command
    this.#opaque = request.opaque
    this.#quiet = request.quiet
    this.#key = request.key
  }

  resolved(_: unknown, result: unknown): void {
    if (result === undefined) this.#missed()
    else if (result === NOT_CARRIED_OUT) this.unavailable(replies.NODE_DOWN)
    else this.#translated(result as RelayedAnswer)
  }

  /** Who asked has an answer, whatever the node calls a number. */
  #translated(answer: RelayedAnswer): void {
    try {
      this.#answered(answer)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.unavailable(error.message)
    }
  }

  rejected(label: unknown, error: unknown): void {
    if (this.#isRead && (label as Forgiving | undefined)?.forgives(error)) {
      this.#queue.outcomes.forgiven++
      this.#queue.give(this, this.#miss())
    } else this.unavailable(error instanceof Error ? error.message : String(error))
  }

  /** It could not be done now. */
  unavailable(reason: string): void {
    this.#tell(PacketStatus.temporaryFailure, reason)
  }

  fail(status: number): void {
    this.#tell(status)
  }

  /** Success with nothing more to say. */
  done(cas = 0n): void {
    const { opcode, opaque } = this.#head
    this.#queue.give(this, this.#quiet ? '' : packetOf({ opcode, opaque, cas }))
  }

  get #head(): { readonly opcode: number; readonly opaque: number } {
    return { opcode: this.#opcode, opaque: this.#opaque }
  }

  get #isRead(): boolean {
    const command = this.#command
    return (
      command === Opcode.get ||
      command === Opcode.getk ||
      command === Opcode.gat ||
      command === Opcode.gatk ||
      command === Opcode.touch
    )
  }

  get #tellsKey(): boolean {
    return this.#command === Opcode.getk || this.#command === Opcode.gatk
  }

  #tell(status: number, value?: string): void {
    this.#queue.give(this, packetOf({ ...this.#head, status, ...(value && { value }) }))
  }

  #missed(): void {
    this.#queue.outcomes.misses++
    this.#queue.give(this, this.#miss())
  }

  #miss(): Buffer | string {
    if (this.#quiet) return ''
    const key = this.#tellsKey ? this.#key : ''
    return packetOf({ ...this.#head, status: PacketStatus.keyNotFound, key })
  }

  #answered(answer: RelayedAnswer): void {
    const { status } = answer
    if (status >= Status.error) this.#refused(answer.line)
    else if (this.#isRead) {
      if (status === Status.value || status === Status.done) this.#hit(answer)
      else this.#missed()
    } else if (status === Status.value) this.#counted(answer)
    else if (status === Status.done) this.done(flagOf(answer, 'c'))
    else if (status === Status.exists) this.fail(PacketStatus.keyExists)
    else if (status === Status.notFound) this.fail(PacketStatus.keyNotFound)
    else this.#notStored()
  }

  #notStored(): void {
    if (this.#command === Opcode.add) this.fail(PacketStatus.keyExists)
    else if (this.#command === Opcode.replace) this.fail(PacketStatus.keyNotFound)
    else this.fail(PacketStatus.notStored)
  }

  #refused(line: string): void {
    if (line.includes('too large')) this.fail(PacketStatus.tooLarge)
    else if (line.includes('non-numeric')) this.fail(PacketStatus.notANumber)
    else if (line.includes('out of memory')) this.fail(PacketStatus.outOfMemory)
    else this.unavailable(line)
  }

  #hit(answer: RelayedAnswer): void {
    const extras = Buffer.allocUnsafe(FLAGS_BYTES)
    const isClassic = answer.keyEnd > 0
    const [, flags, , token] = isClassic ? wordsBehindKey(answer) : []
    const clientFlags = isClassic ? numberOf(flags) : flagOf(answer, 'f')
    if (clientFlags > MAX_U32) throw noNumber()
    extras.writeUInt32BE(Number(clientFlags))
    const cas = isClassic ? numberOf(token ?? '0') : flagOf(answer, 'c')
    this.#queue.outcomes.hits++
    this.#queue.measure(answer.size)
    const key = this.#tellsKey ? this.#key : ''
    const value = bytesOf(answer)
    this.#queue.give(this, packetOf({ ...this.#head, cas, extras, key, value }))
  }

  /** The new number. */
  #counted(answer: RelayedAnswer): void {
    if (this.#quiet) {
      this.#queue.give(this, '')
      return
    }
    const value = Buffer.allocUnsafe(NUMBER_BYTES)
    const text = bytesOf(answer)
      .subarray(0, NUMBER_MAX_LENGTH + 1)
      .toString('latin1')
    value.writeBigUInt64BE(numberOf(text.trim()))
    this.#queue.give(this, packetOf({ ...this.#head, cas: flagOf(answer, 'c'), value }))
  }
}

/** The words of a classic `VALUE` from the key on: `<key> <flags> <size> <cas>`. */
function wordsBehindKey({ lineSource, keyEnd, lineEnd }: RelayedAnswer): readonly string[] {
  return lineSource.toString('latin1', keyEnd, lineEnd - 2).split(' ')
}

/** What a meta line says after this letter; 0 when it doesn't. */
function flagOf({ lineSource, lineStart, lineEnd }: RelayedAnswer, letter: string): bigint {
  const words = lineSource.toString('latin1', lineStart, lineEnd - 2).split(' ')
  const word = words.find((one, i) => i > 0 && one[0] === letter)
  return word === undefined ? 0n : numberOf(word.slice(1))
}

/** @throws ProtocolError if it has not 64 bits, or is none. */
function numberOf(text: string | undefined): bigint {
  if (text === undefined || !/^\d{1,20}$/.test(text)) throw noNumber()
  const number = BigInt(text)
  if (number > MAX_U64) throw noNumber()
  return number
}

function noNumber(): ProtocolError {
  return new ProtocolError('the node sent a number that is not one')
}

function bytesOf({ source, start, size }: RelayedAnswer): Buffer {
  return source === undefined ? Buffer.alloc(0) : source.subarray(start, start + size)
}
