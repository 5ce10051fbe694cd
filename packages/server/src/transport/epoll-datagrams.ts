// A UDP socket of one thread: reads requests, sends what they are answered with, and waits when the socket
// takes no more. Knows addresses and system calls, neither frames nor commands.
import type { Arena } from '../cache/arena.ts'
import { permanentBlock } from '../cache/memory.ts'
import type { Engine } from '../protocol/engine.ts'
import { DatagramExchange } from './datagram-exchange.ts'
import { Gather } from './gather.ts'
import { EAGAIN, EINTR, type SystemCalls } from './system-calls.ts'

/** Datagrams read before others get their turn. */
const DATAGRAMS_PER_ROUND = 16
/** Room for an address of either family. */
const SOCKADDR_BYTES = 32
/** Of `struct sockaddr_in` and `sockaddr_in6`, big endian. */
const SOCKADDR_PORT = 2

export class EpollDatagramSocket {
  readonly fd: number
  readonly #port: number
  readonly #calls: SystemCalls
  readonly #exchange: DatagramExchange
  readonly #gather: Gather
  readonly #sender = permanentBlock(SOCKADDR_BYTES)
  readonly #senderLength = permanentBlock(8)
  #waits = false

  constructor(fd: number, port: number, calls: SystemCalls, arena: Arena, engine: Engine) {
    this.fd = fd
    this.#port = port
    this.#calls = calls
    this.#gather = new Gather(calls, arena)
    this.#gather.receiver = this.#sender
    this.#exchange = new DatagramExchange(engine, fd)
  }

  /** An answer has to wait until the socket is writable; until then nothing is read. */
  get waits(): boolean {
    return this.#waits
  }

  /** The socket is readable, or writable if that was waited for. */
  ready(): void {
    this.#waits = !(this.#waits ? this.#answer() : this.#readable())
  }

  /** Drops an answer that waits. */
  close(): void {
    this.#exchange.end()
  }

  /** Answers what has arrived; false if that has to wait. */
  #readable(): boolean {
    for (let i = 0; i < DATAGRAMS_PER_ROUND; i++) {
      const received = this.#receive()
      // Nothing there, or another thread was faster, or an error report, which the call has consumed.
      if (received < 0) return true
      if (this.#isClient() && this.#exchange.begin(received) && !this.#answer()) return false
    }
    return true
  }

  /** Sends what the datagram read last is answered with; false if that has to wait. */
  #answer(): boolean {
    const exchange = this.#exchange
    const receiverBytes = this.#senderLength.view.getUint32(0, true)
    while (exchange.next()) {
      const { header, message, from, length } = exchange
      const sent = this.#gather.sendDatagram(this.fd, receiverBytes, header, message, from, length)
      if (sent >= 0) {
        exchange.sent()
        continue
      }
      const errno = this.#calls.errno()
      if (errno === EAGAIN) return false
      if (errno !== EINTR) exchange.end()
    }
    return true
  }

  #receive(): number {
    const { input } = this.#exchange
    this.#senderLength.view.setUint32(0, SOCKADDR_BYTES, true)
    return this.#calls.recvfrom(
      this.fd,
      input.address,
      input.size,
      0,
      this.#sender.address,
      this.#senderLength.address,
    )
  }

  /**
   * Whether the sender can be a client. Our own port is a server's too, on whatever machine: two servers
   * that are made to answer each other by a forged address would not stop. Port 0 can't be answered.
   */
  #isClient(): boolean {
    const port = this.#sender.view.getUint16(SOCKADDR_PORT)
    return port !== 0 && port !== this.#port
  }
}
