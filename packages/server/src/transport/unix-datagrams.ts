// Sends datagrams to a unix socket, which Node can't: one named by a path, or an abstract one by `@` and its name.
// Knows the kernel's structures; nothing of what is sent.
import {
  AF_UNIX,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
  type SystemCalls,
} from './system-calls.ts'

const SO_SNDTIMEO = 21
/** Who doesn't take a datagram in that time must not keep this thread. */
const PATIENCE_SECONDS = 1n

/** `struct sockaddr_un` has so much room for a name, the NUL after a path included. */
const NAME_BYTES = 108
/** `struct msghdr`, and behind it the `struct iovec`, the address and the bytes that it points to. */
const IOVEC = 56
const ADDRESS = IOVEC + 16
const TEXT = ADDRESS + 2 + NAME_BYTES
const MAX_TEXT_BYTES = 1024

export class UnixDatagrams {
  readonly #calls: SystemCalls
  readonly #fd: number
  readonly #memory = new Uint8Array(new ArrayBuffer(TEXT + MAX_TEXT_BYTES))
  readonly #view = new DataView(this.#memory.buffer)
  readonly #at: number

  /** @throws Error if the address is none, or there is no socket to be had. */
  constructor(calls: SystemCalls, address: string) {
    this.#calls = calls
    this.#at = calls.addressOf(this.#memory)
    this.#setAddress(address)
    this.#fd = calls.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    if (this.#fd < 0) throw new Error(calls.describeError(calls.errno()))
    this.#view.setBigInt64(TEXT, PATIENCE_SECONDS, true)
    this.#view.setBigInt64(TEXT + 8, 0n, true)
    calls.setsockopt(this.#fd, SOL_SOCKET, SO_SNDTIMEO, this.#at + TEXT, 16)
  }

  /** The reason if it could not be sent, or not all of it. Text beyond a KiB is cut. */
  send(text: string): string | undefined {
    const { written } = new TextEncoder().encodeInto(text, this.#memory.subarray(TEXT))
    this.#view.setBigUint64(IOVEC + 8, BigInt(written), true)
    if (this.#calls.sendmsg(this.#fd, this.#at, MSG_NOSIGNAL) === written) return undefined
    return this.#calls.describeError(this.#calls.errno())
  }

  #setAddress(address: string): void {
    const abstract = address.startsWith('@')
    if (!abstract && !address.startsWith('/')) {
      throw new Error('its address must begin with / or @')
    }
    const name = new TextEncoder().encode(abstract ? `\0${address.slice(1)}` : `${address}\0`)
    if (name.length > NAME_BYTES) throw new Error('its address is too long')
    this.#memory.set(name, ADDRESS + 2)
    const view = this.#view
    view.setUint16(ADDRESS, AF_UNIX, true)
    view.setBigUint64(0, BigInt(this.#at + ADDRESS), true)
    view.setUint32(8, 2 + name.length, true)
    view.setBigUint64(16, BigInt(this.#at + IOVEC), true)
    view.setBigUint64(24, 1n, true)
    view.setBigUint64(IOVEC, BigInt(this.#at + TEXT), true)
  }
}
