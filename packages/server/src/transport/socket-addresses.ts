// The two ends of a socket, also in words as `stats conns` prints them: `tcp:127.0.0.1:11211`,
// `tcp6:[::1]:11211`, `udp:127.0.0.1:11211`, `unix:/run/memshard.sock`. Knows the kernel's address structures,
// no connection.
import { MemoryBlock } from '../cache/memory.ts'
import { AF_INET, AF_INET6, AF_UNIX, type SystemCalls } from './system-calls.ts'

/** `struct sockaddr_storage`. */
const SOCKADDR_BYTES = 128
const TEXT_BYTES = 64

/** A unix socket's client has no address; memcached says it so. */
const NO_ADDRESS = '?:<AF 0>'

/** One end of a socket. */
export interface SocketEnd {
  /** Undefined for any other. */
  readonly family: 'ipv4' | 'ipv6' | 'unix' | undefined
  /** Without brackets; a unix socket's path, empty if it has none. */
  readonly host: string
  readonly port: number
}

export class SocketAddresses {
  readonly #calls: SystemCalls
  readonly #sockaddr = new MemoryBlock(new ArrayBuffer(SOCKADDR_BYTES))
  readonly #length = new MemoryBlock(new ArrayBuffer(8))
  readonly #text = new MemoryBlock(new ArrayBuffer(TEXT_BYTES))

  constructor(calls: SystemCalls) {
    this.#calls = calls
  }

  /** This side of the socket; undefined if the descriptor is none, any more. */
  local(fd: number, udp = false): string | undefined {
    return inWords(this.#read(this.#calls.getsockname, fd), udp ? 'udp' : 'tcp')
  }

  /** The other side; undefined if it is gone. */
  peer(fd: number): string | undefined {
    return inWords(this.peerEnd(fd), 'tcp')
  }

  peerEnd(fd: number): SocketEnd | undefined {
    return this.#read(this.#calls.getpeername, fd)
  }

  #read(call: SystemCalls['getsockname'], fd: number): SocketEnd | undefined {
    this.#length.view.setUint32(0, SOCKADDR_BYTES, true)
    if (call(fd, this.#sockaddr.address, this.#length.address) < 0) return undefined
    const { view, bytes } = this.#sockaddr
    const length = Math.min(SOCKADDR_BYTES, this.#length.view.getUint32(0, true))
    switch (view.getUint16(0, true)) {
      case AF_INET:
        return { family: 'ipv4', host: this.#host(AF_INET, 4), port: view.getUint16(2) }
      case AF_INET6:
        return { family: 'ipv6', host: this.#host(AF_INET6, 8), port: view.getUint16(2) }
      case AF_UNIX: {
        const path = Buffer.from(bytes.slice(2, length)).toString('latin1').split('\0')[0]
        return { family: 'unix', host: path, port: 0 }
      }
      default:
        return { family: undefined, host: '', port: 0 }
    }
  }

  #host(family: number, at: number): string {
    const address = this.#sockaddr.address + at
    return this.#calls.inet_ntop(family, address, this.#text.address, TEXT_BYTES) ?? ''
  }
}

function inWords(end: SocketEnd | undefined, protocol: string): string | undefined {
  switch (end?.family) {
    case 'ipv4':
      return `${protocol}:${end.host}:${end.port}`
    case 'ipv6':
      return `${protocol}6:[${end.host}]:${end.port}`
    case 'unix':
      return end.host === '' ? NO_ADDRESS : `unix:${end.host}`
    default:
      return end === undefined ? undefined : NO_ADDRESS
  }
}
