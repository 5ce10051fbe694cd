// Sends what lies in pieces, a reply whose values are in the arena or a part of one as a datagram: builds the
// list for sendmsg(2). Knows the layout of replies and of the kernel's structures, no connection.
import type { Arena } from '../cache/arena.ts'
import { MemoryBlock, permanentBlock } from '../cache/memory.ts'
import type { Reply } from '../protocol/reply.ts'
import { MSG_NOSIGNAL, type SystemCalls } from './system-calls.ts'

/** What sendmsg takes at most (UIO_MAXIOV); a longer reply goes out in several calls. */
const MAX_PIECES = 1024
const IOVEC_BYTES = 16
const MSGHDR_BYTES = 56
/** Messages that can be kept until somebody else sends them. */
const MAX_KEPT = 256
const MSGHDR_NAME = 0
const MSGHDR_NAMELEN = 8
const MSGHDR_IOV = 16
const MSGHDR_IOVLEN = 24
const TWO_TO_32 = 2 ** 32

/** Writes an address, without the `%` of such large numbers, which would be a call. */
export function putAddress(view: DataView, at: number, address: number): void {
  const high = Math.floor(address / TWO_TO_32)
  view.setUint32(at, address - high * TWO_TO_32, true)
  view.setUint32(at + 4, high, true)
}

export class Gather {
  readonly #calls: SystemCalls
  readonly #arena: Arena
  readonly #pieces = permanentBlock(MAX_PIECES * IOVEC_BYTES)
  readonly #message = permanentBlock(MSGHDR_BYTES)
  readonly #kept = permanentBlock(MAX_KEPT * MSGHDR_BYTES)
  #keptCount = 0
  #count = 0
  /** Bytes of what is added that are not to be sent, and then how many are. */
  #skip = 0
  #left = 0

  constructor(calls: SystemCalls, arena: Arena) {
    this.#calls = calls
    this.#arena = arena
    this.#message.view.setBigUint64(MSGHDR_IOV, BigInt(this.#pieces.address), true)
  }

  /** Sends the reply from byte `sent` on; the result is sendmsg's. */
  send(fd: number, reply: Reply, sent: number): number {
    this.#count = 0
    this.#skip = sent
    this.#left = reply.totalBytes - sent
    this.#addReply(reply)
    return this.#sendPieces(fd)
  }

  /** Whether the message of a reply can be kept. */
  hasRoom(reply: Reply): boolean {
    return this.#keptCount < MAX_KEPT && this.#count + 2 * reply.spanCount + 1 <= MAX_PIECES
  }

  /**
   * Keeps the message of a whole reply until `forget`, and returns its address, for sendmsg. Only if it has room,
   * and not between messages that this object sends itself.
   */
  keep(reply: Reply): number {
    const first = this.#count
    this.#skip = 0
    this.#left = reply.totalBytes
    this.#addReply(reply)
    const { view, address } = this.#kept
    const at = this.#keptCount++ * MSGHDR_BYTES
    putAddress(view, at + MSGHDR_IOV, this.#pieces.address + first * IOVEC_BYTES)
    view.setUint32(at + MSGHDR_IOVLEN, this.#count - first, true)
    return address + at
  }

  /** Everything that was kept has been sent. */
  forget(): void {
    this.#keptCount = 0
    this.#count = 0
  }

  /** Where datagrams are to go: to the `sockaddr` that is in this block whenever one is sent. */
  set receiver(sockaddr: MemoryBlock) {
    this.#message.view.setBigUint64(MSGHDR_NAME, BigInt(sockaddr.address), true)
  }

  /**
   * Sends one datagram, `header` and `length` bytes of a message from byte `from` on, to the receiver,
   * whose address has `receiverBytes`. The result is sendmsg's.
   */
  sendDatagram(
    fd: number,
    receiverBytes: number,
    header: MemoryBlock,
    message: Reply | MemoryBlock,
    from: number,
    length: number,
  ): number {
    this.#message.view.setUint32(MSGHDR_NAMELEN, receiverBytes, true)
    this.#count = 0
    this.#skip = 0
    this.#left = header.size
    this.#add(header.address, header.size)
    this.#skip = from
    this.#left = length
    if (message instanceof MemoryBlock) this.#add(message.address, message.size)
    else this.#addReply(message)
    return this.#sendPieces(fd)
  }

  #addReply(reply: Reply): void {
    let at = reply.start
    for (let i = 0; i < reply.spanCount && this.#count < MAX_PIECES; i++) {
      this.#add(reply.block.address + at, reply.spanAt[i] - at)
      at = reply.spanAt[i]
      if (this.#count === MAX_PIECES) break
      const base = this.#arena.blockOf(reply.spanChunk[i]).address
      this.#add(base + reply.spanOffset[i], reply.spanLength[i])
    }
    if (this.#count < MAX_PIECES) this.#add(reply.block.address + at, reply.length - at)
  }

  #sendPieces(fd: number): number {
    this.#message.view.setUint32(MSGHDR_IOVLEN, this.#count, true)
    return this.#calls.sendmsg(fd, this.#message.address, MSG_NOSIGNAL)
  }

  #add(address: number, length: number): void {
    if (length <= this.#skip) {
      this.#skip -= length
      return
    }
    if (this.#left === 0) return
    const from = address + this.#skip
    const taken = Math.min(length - this.#skip, this.#left)
    const view = this.#pieces.view
    const at = this.#count++ * IOVEC_BYTES
    putAddress(view, at, from)
    view.setUint32(at + 8, taken, true)
    this.#skip = 0
    this.#left -= taken
  }
}
