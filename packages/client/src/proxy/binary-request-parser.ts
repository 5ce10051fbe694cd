// Turns the bytes of a client that speaks the binary protocol, cut anywhere, into requests, one after the other. Knows
// which parts a command has, and nothing of what it does.
import { KEY_MAX_BYTES } from '../wire/key.ts'
import {
  HEADER_BYTES,
  loudOf,
  Opcode,
  PacketStatus,
  REQUEST_MAGIC,
  SaslOpcode,
} from './binary-packets.ts'
import { NO_DATA } from './request.ts'
import type { RequestLimits } from './request-parser.ts'

/** What may come of a request before its value (memcached's read buffer). A longer key ends the connection. */
const MAX_HEAD_BYTES = 16 * 1024
const CRLF_BYTES = 2
const LENGTH_MAX = 0x7fff_ffff

export class BinaryRequest {
  opcode = 0
  /** The opcode, or its loud twin. */
  command = 0
  opaque = 0
  cas = 0n
  /** In Latin-1. */
  key = ''
  extras = NO_DATA
  /** The value and a line end, in memory of its own. */
  data = NO_DATA
  /** Why it is to be refused; 0 when it is not. */
  refusal = 0

  get quiet(): boolean {
    return this.opcode !== this.command
  }
}

export class BinaryRequestParser {
  readonly request = new BinaryRequest()
  readonly #limits: RequestLimits
  /** What has come and is not consumed. */
  #input = NO_DATA
  #value: Buffer | undefined
  #valueBytes = 0
  #swallow = 0
  broken = false

  constructor(limits: RequestLimits) {
    this.#limits = limits
  }

  /** Takes `chunk[0..length)`, which must not be changed until `keep` is called. */
  feed(chunk: Buffer, length: number): void {
    const bytes = chunk.subarray(0, length)
    // What is left over is less than the head of a request.
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes])
  }

  /** Copies what is not consumed, so that the chunk may be changed. */
  keep(): void {
    if (this.#input.length > 0) this.#input = Buffer.from(this.#input)
  }

  /** Fills in the next request; false when more bytes are needed. */
  next(): boolean {
    while (!this.broken) {
      if (this.#value !== undefined) return this.#fillValue(this.#value)
      if (this.#swallow > 0) {
        const part = Math.min(this.#swallow, this.#input.length)
        this.#swallow -= part
        this.#input = this.#input.subarray(part)
        if (this.#swallow > 0) return false
      }
      const taken = this.#readHead()
      if (taken !== undefined) return taken
    }
    return false
  }

  close(): void {
    this.broken = true
    if (this.#value !== undefined) this.#limits.memory.release(this.#value.length)
    this.#value = undefined
    this.#input = NO_DATA
  }

  /** Undefined: a value begins. */
  #readHead(): boolean | undefined {
    const input = this.#input
    if (input.length < HEADER_BYTES) return false
    const { request } = this
    if (input[0] !== REQUEST_MAGIC) {
      this.broken = true
      return false
    }
    const keyBytes = input.readUInt16BE(2)
    const extrasBytes = input[4]!
    const bodyBytes = input.readUInt32BE(8)
    const keyEnd = HEADER_BYTES + extrasBytes + keyBytes
    if (keyEnd > MAX_HEAD_BYTES && input.length >= MAX_HEAD_BYTES) this.broken = true
    if (keyEnd > input.length || this.broken) return false
    request.opcode = input[1]!
    request.command = loudOf(request.opcode)
    request.opaque = input.readUInt32BE(12)
    request.cas = input.readBigUInt64BE(16)
    request.extras = Buffer.from(input.subarray(HEADER_BYTES, HEADER_BYTES + extrasBytes))
    request.key = input.toString('latin1', HEADER_BYTES + extrasBytes, keyEnd)
    request.data = NO_DATA
    request.refusal = 0
    this.#input = input.subarray(keyEnd)
    const valueBytes = bodyBytes - extrasBytes - keyBytes
    if (valueBytes < 0) return this.#refuse(PacketStatus.unknownCommand, true)
    if (keyBytes > KEY_MAX_BYTES || !isWellFormed(request, valueBytes)) {
      return this.#refuse(PacketStatus.invalidArguments, true)
    }
    if (!isKnown(request.command)) {
      // As memcached, which has taken extras and key already and drops as many bytes once more.
      this.#swallow = authenticates(request.command) ? valueBytes : bodyBytes
      return this.#refuse(PacketStatus.unknownCommand, false)
    }
    return isStore(request.command) ? this.#beginValue(valueBytes) : true
  }

  #beginValue(valueBytes: number): boolean | undefined {
    const { maxValueSize, memory } = this.#limits
    const isTooLarge = valueBytes > maxValueSize
    if (isTooLarge || !memory.take(valueBytes + CRLF_BYTES)) {
      // A length beyond 2 GiB is none.
      this.#swallow = valueBytes > LENGTH_MAX ? 0 : valueBytes
      return this.#refuse(isTooLarge ? PacketStatus.tooLarge : PacketStatus.outOfMemory, false)
    }
    this.#value = Buffer.allocUnsafeSlow(valueBytes + CRLF_BYTES)
    this.#valueBytes = 0
    return undefined
  }

  #fillValue(value: Buffer): boolean {
    const size = value.length - CRLF_BYTES
    const copied = this.#input.copy(value, this.#valueBytes, 0, size - this.#valueBytes)
    this.#valueBytes += copied
    this.#input = this.#input.subarray(copied)
    if (this.#valueBytes < size) return false
    value.write('\r\n', size, 'latin1')
    this.#limits.memory.release(value.length)
    this.#value = undefined
    this.request.data = value
    return true
  }

  #refuse(status: number, ends: boolean): true {
    this.request.refusal = status
    this.broken = ends
    return true
  }
}

function isStore(command: number): boolean {
  return (
    command === Opcode.set ||
    command === Opcode.add ||
    command === Opcode.replace ||
    command === Opcode.append ||
    command === Opcode.prepend
  )
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(Opcode))

function isKnown(command: number): boolean {
  return KNOWN.has(command)
}

function authenticates(command: number): boolean {
  return command === SaslOpcode.authenticate || command === SaslOpcode.step
}

/** Whether the parts are those that the command has; an unknown command may have any. */
function isWellFormed({ command, extras, key }: BinaryRequest, valueBytes: number): boolean {
  const hasKey = key !== ''
  const ends = valueBytes === 0
  switch (command) {
    case Opcode.get:
    case Opcode.getk:
    case Opcode.delete:
      return extras.length === 0 && hasKey && ends
    case Opcode.set:
    case Opcode.add:
    case Opcode.replace:
      return extras.length === 8 && hasKey
    case Opcode.append:
    case Opcode.prepend:
    case SaslOpcode.authenticate:
    case SaslOpcode.step:
      return extras.length === 0 && hasKey
    case Opcode.increment:
    case Opcode.decrement:
      return extras.length === 20 && hasKey && ends
    case Opcode.touch:
    case Opcode.gat:
    case Opcode.gatk:
      // What follows the key is read as the next request, as memcached has it.
      return extras.length === 4 && hasKey
    case Opcode.flush:
      return (extras.length === 0 || extras.length === 4) && !hasKey && ends
    case Opcode.stat:
      return extras.length === 0
    case Opcode.noop:
    case Opcode.version:
    case Opcode.quit:
    case SaslOpcode.listMechanisms:
      return extras.length === 0 && !hasKey && ends
    default:
      return true
  }
}
