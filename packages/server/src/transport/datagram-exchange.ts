// One datagram of requests and the datagrams it is answered with (memcached's doc/protocol.txt, "UDP
// protocol"): frame headers, a message for each answer, and how much is answered at most. Shared by both
// transports; knows no socket.
//
// Who is asked by datagrams can't know who really asks. So nothing outlives a datagram: its requests have a
// connection state of their own, what is incomplete at its end is dropped, and the answer is bounded.
import { MemoryBlock, permanentBlock } from '../cache/memory.ts'
import { Connection } from '../protocol/connection.ts'
import type { Engine } from '../protocol/engine.ts'
import { REPLY_BYTES, Reply } from '../protocol/reply.ts'

/** Request id, sequence number, datagrams in the message, reserved: 16 bits each, big endian. */
export const FRAME_HEADER_BYTES = 8
/** What a datagram of ours carries of a message: with its header 1400 bytes, as memcached's. */
export const DATAGRAM_PAYLOAD_BYTES = 1392
/** The messages one datagram is answered with, together: a value of 1 MiB, the usual limit, and others. */
export const MAX_ANSWER_BYTES = 2 * 1024 * 1024

/** No datagram is larger. */
const MAX_DATAGRAM_BYTES = 64 * 1024
const SEQUENCE_AT = 2
const TOTAL_AT = 4
/** A reply this full is sent before anything is added: an answer for each command, and each key of a get. */
const ANY_ANSWER = 1

export class DatagramExchange {
  /** Where a datagram is to be put before `begin`. */
  readonly input = permanentBlock(MAX_DATAGRAM_BYTES)

  // The datagram to be sent, as `next` leaves it: a header, and a range of a message.
  readonly header = permanentBlock(FRAME_HEADER_BYTES)
  message: Reply | MemoryBlock
  from = 0
  length = 0

  readonly #engine: Engine
  readonly #descriptor: number
  readonly #reply = new Reply(permanentBlock(REPLY_BYTES), ANY_ANSWER)
  #connection: Connection
  /** What is left of the requests in `input`. */
  #at = 0
  #end = 0
  #messageBytes = 0
  #answeredBytes = 0
  /** Bytes sent that the engine does not count. */
  #uncountedBytes = 0
  #over = true

  constructor(engine: Engine, descriptor: number) {
    this.#engine = engine
    this.#descriptor = descriptor
    this.#connection = new Connection(descriptor, true)
    this.message = this.#reply
  }

  /** Begins with the datagram of `length` bytes in `input`; false if it is one that gets no answer. */
  begin(length: number): boolean {
    if (length <= FRAME_HEADER_BYTES) return false
    const { view } = this.input
    // As memcached: requests of several datagrams are dropped, and the rest of the header isn't looked at.
    if (view.getUint16(TOTAL_AT) !== 1) {
      this.#engine.countTraffic(length, 0)
      return false
    }
    this.header.view.setUint16(0, view.getUint16(0))
    this.#connection = new Connection(this.#descriptor, true)
    this.#at = FRAME_HEADER_BYTES
    this.#end = length
    this.#messageBytes = 0
    this.#answeredBytes = 0
    this.#uncountedBytes = 0
    this.from = 0
    this.length = 0
    this.#over = false
    return true
  }

  /** Whether there is a datagram to be sent; the same one until `sent` is called. */
  next(): boolean {
    if (this.from === this.#messageBytes && !this.#nextMessage()) return false
    this.header.view.setUint16(SEQUENCE_AT, this.from / DATAGRAM_PAYLOAD_BYTES)
    this.length = Math.min(DATAGRAM_PAYLOAD_BYTES, this.#messageBytes - this.from)
    return true
  }

  sent(): void {
    this.from += this.length
    this.#uncountedBytes += FRAME_HEADER_BYTES
  }

  /** Drops what is left of the requests and of the answer. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.from = 0
    this.#messageBytes = 0
    this.#engine.release(this.#reply)
    this.#engine.abandon(this.#connection)
    const uncountedInput = FRAME_HEADER_BYTES + this.#end - this.#at
    this.#engine.countTraffic(uncountedInput, this.#uncountedBytes)
  }

  /** Executes requests until there is an answer, which is the next message; ends if there is none. */
  #nextMessage(): boolean {
    if (this.#over) return false
    this.#engine.release(this.#reply)
    this.#messageBytes = 0
    if (!this.#connection.closing) this.#execute()
    this.#answeredBytes += this.#messageBytes
    if (this.#messageBytes === 0 || this.#answeredBytes > MAX_ANSWER_BYTES) {
      this.end()
      return false
    }
    const datagrams = Math.ceil(this.#messageBytes / DATAGRAM_PAYLOAD_BYTES)
    this.header.view.setUint16(TOTAL_AT, datagrams)
    return true
  }

  #execute(): void {
    const connection = this.#connection
    const engine = this.#engine
    const others = engine.reply
    engine.reply = this.#reply
    this.#at = engine.execute(connection, this.input, this.#at, this.#end)
    engine.reply = others
    const { text } = connection
    if (text === undefined) {
      this.message = this.#reply
      this.#messageBytes = this.#reply.totalBytes
    } else {
      const message = new MemoryBlock(new ArrayBuffer(text.length))
      message.bytes.set(text)
      this.message = message
      this.#messageBytes = text.length
      this.#uncountedBytes += text.length
      connection.endText()
    }
    this.from = 0
  }
}
