// A conversation in the binary protocol: each packet is asked of the nodes in text, which one connection can carry for
// clients of every protocol. Knows requests and answers; no socket.
import { Call } from '../node/call.ts'
import type { Operation } from '../wire/command.ts'
import { KEY_MAX_BYTES } from '../wire/key.ts'
import { relayed } from '../wire/relayed-operations.ts'
import type { AnswerQueue } from './answer-queue.ts'
import { BinaryAnswer } from './binary-answer.ts'
import { Opcode, PacketStatus, packetOf } from './binary-packets.ts'
import { type BinaryRequest, BinaryRequestParser } from './binary-request-parser.ts'
import type { Conversation } from './conversation.ts'
import { deletionOf } from './copies.ts'
import { NO_CODEC } from './no-codec.ts'
import type { ProxyContext } from './proxy-context.ts'
import * as replies from './replies.ts'

/** An expiry of all ones: a missing number stays missing. */
const NEVER_CREATE = 0xffff_ffff
/** The latest time that the text protocol can say. */
const MAX_TTL = 0x7fff_ffff
/** Bytes that can't be in a key of the text protocol. */
const UNSPEAKABLE = /[\0\n\r ]/

export class BinaryConversation implements Conversation {
  readonly #context: ProxyContext
  readonly #answers: AnswerQueue
  readonly #parser: BinaryRequestParser

  constructor(context: ProxyContext, answers: AnswerQueue) {
    this.#context = context
    this.#answers = answers
    this.#parser = new BinaryRequestParser(context.limits)
  }

  get isOver(): boolean {
    return this.#parser.broken
  }

  feed(chunk: Buffer, length: number): void {
    this.#parser.feed(chunk, length)
  }

  step(): boolean {
    if (!this.#parser.next()) return false
    this.#execute(this.#parser.request)
    return true
  }

  keep(): void {
    this.#parser.keep()
  }

  close(): void {
    this.#parser.close()
  }

  #execute(request: BinaryRequest): void {
    const { command, refusal } = request
    if (refusal !== 0) {
      this.#refuse(request)
      return
    }
    switch (command) {
      case Opcode.noop:
        this.#expect(request).done()
        return
      case Opcode.quit:
        this.#expect(request).done()
        this.#parser.close()
        return
      case Opcode.version: {
        const { opcode, opaque } = request
        const value = replies.VERSION.slice('VERSION '.length).trim()
        this.#answers.give(this.#expect(request), packetOf({ opcode, opaque, value }))
        return
      }
      case Opcode.stat:
        this.#report(request)
        return
      case Opcode.flush:
        this.#flushAll(request)
        return
      default:
        this.#ask(request)
    }
  }

  #expect(request: BinaryRequest): BinaryAnswer {
    return this.#answers.add(new BinaryAnswer(this.#answers, request))
  }

  #refuse(request: BinaryRequest): void {
    const { command, refusal, key } = request
    const answer = this.#expect(request)
    const refuse = (): void => answer.fail(refusal)
    const route = this.#context.routes.find(key)
    if (command !== Opcode.set || refusal !== PacketStatus.tooLarge || route === undefined) {
      refuse()
      return
    }
    // The old value must not be taken for the one that could not be stored.
    const call = callAbout(request, relayed.ms, '')
    route.ask(deletionOf(call), { resolved: refuse, rejected: refuse })
  }

  #ask(request: BinaryRequest): void {
    const answer = this.#expect(request)
    const call = callOf(request)
    this.#context.statistics.count(call.operation)
    const route = this.#context.routes.find(request.key)
    if (call.key.length > KEY_MAX_BYTES) answer.fail(PacketStatus.invalidArguments)
    else if (route === undefined) answer.unavailable(replies.NO_ROUTE)
    else route.ask(call, answer)
  }

  #flushAll(request: BinaryRequest): void {
    const { allowFlush, statistics } = this.#context
    const answer = this.#expect(request)
    if (!allowFlush) {
      answer.fail(PacketStatus.authenticationFailed)
      return
    }
    statistics.flushes++
    const delay = request.extras.length === 0 ? 0 : request.extras.readUInt32BE(0)
    this.#context.flushAll(delay === 0 ? undefined : Math.min(delay, MAX_TTL)).then(([failure]) => {
      if (failure === undefined) answer.done()
      else answer.unavailable(failure)
    })
  }

  /** The lines of the text protocol, a packet each, and one without key and value at the end. */
  #report({ opcode, opaque, key }: BinaryRequest): void {
    this.#answers.report(() => {
      // As memcached, which looks at how the word begins.
      const text = this.#context.report(key.startsWith('reset') ? 'reset' : key)
      if (typeof text === 'string') return packetsOf(text, opcode, opaque)
      return text.then((told) => packetsOf(told, opcode, opaque))
    })
  }
}

/** In Latin-1. */
function packetsOf(text: string, opcode: number, opaque: number): string {
  if (text === replies.ERROR) {
    return packetOf({ opcode, opaque, status: PacketStatus.keyNotFound }).toString('latin1')
  }
  const packets = [...text.matchAll(/^STAT (\S+) (.*)\r$/gm)].map(([, name = '', value = '']) =>
    packetOf({ opcode, opaque, key: name, value }),
  )
  return Buffer.concat([...packets, packetOf({ opcode, opaque })]).toString('latin1')
}

/** The request as a node is asked it in text. */
function callOf(request: BinaryRequest): Call {
  const { command, extras } = request
  const compare = request.cas === 0n ? '' : ` C${request.cas}`
  switch (command) {
    case Opcode.get:
    case Opcode.getk:
      // Gets share lines; and unlike `mg` they leave an item that is to be made anew to those who know how.
      if (!UNSPEAKABLE.test(request.key)) return callAbout(request, relayed.gets, '')
      return callAbout(request, relayed.mg, 'v f c')
    case Opcode.gat:
    case Opcode.gatk:
      return callAbout(request, relayed.mg, `v f c T${ttlOf(extras, 0)}`)
    case Opcode.touch:
      return callAbout(request, relayed.mg, `f c T${ttlOf(extras, 0)}`)
    case Opcode.delete:
      return callAbout(request, relayed.md, compare.trim())
    case Opcode.append:
      return callAbout(request, relayed.ms, `MA c${compare}`)
    case Opcode.prepend:
      return callAbout(request, relayed.ms, `MP c${compare}`)
    case Opcode.increment:
    case Opcode.decrement:
      return callAbout(request, relayed.ma, countingFlags(request) + compare)
    default: {
      // With a cas token, set, add and replace are one and the same.
      const modes: Readonly<Record<number, string>> = {
        [Opcode.add]: 'ME ',
        [Opcode.replace]: 'MR ',
      }
      const mode = compare === '' ? (modes[command] ?? '') : ''
      const flags = `${mode}F${extras.readUInt32BE(0)} T${ttlOf(extras, 4)} c${compare}`
      return callAbout(request, relayed.ms, flags)
    }
  }
}

function countingFlags({ command, extras }: BinaryRequest): string {
  const mode = command === Opcode.increment ? 'MI' : 'MD'
  const flags = `${mode} v c D${extras.readBigUInt64BE(0)}`
  if (extras.readUInt32BE(16) === NEVER_CREATE) return flags
  return `${flags} J${extras.readBigUInt64BE(8)} N${ttlOf(extras, 16)}`
}

function ttlOf(extras: Buffer, at: number): number {
  return Math.min(extras.readUInt32BE(at), MAX_TTL)
}

/** A key that the text protocol can't say goes as base64. */
function callAbout(request: BinaryRequest, operation: Operation, flags: string): Call {
  const { key, data } = request
  const bytes = Buffer.from(key, 'latin1')
  const isBinary = UNSPEAKABLE.test(key)
  const call = new Call(operation, isBinary ? bytes.toString('base64') : key, NO_CODEC)
  call.routingKey = isBinary ? call.key : bytes.toString()
  call.metaFlags = isBinary ? `${flags} b`.trim() : flags
  call.data = data
  return call
}
