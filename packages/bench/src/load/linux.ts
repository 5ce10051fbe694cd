// The system calls of Linux that the epoll driver makes, called directly through koffi: a request
// costs one send and one recv, and nothing of node's streams. Knows no load and no protocol.
import { endianness } from 'node:os'
import type * as Koffi from 'koffi'
import { BenchError } from '../errors.ts'
import type { ServerAddress } from './address.ts'

/** Pointers are plain numbers: converting an object on each call would cost as much as the call. */
export type MemoryAddress = number

export interface SystemCalls {
  /** Where the bytes lie. They must stay referenced while the address is in use. */
  addressOf(bytes: ArrayBufferView): MemoryAddress
  /** Each returns -1 and sets errno on failure, as in section 2 of the manual. */
  readonly recv: (fd: number, to: MemoryAddress, length: number, flags: number) => number
  readonly send: (fd: number, from: MemoryAddress, length: number, flags: number) => number
  readonly epollCreate: (flags: number) => number
  readonly epollControl: (epoll: number, op: number, fd: number, event: Uint32Array) => number
  /** The time may be a fraction of a millisecond; where the C library is too old for that, it is rounded up. */
  readonly epollWait: (epoll: number, to: MemoryAddress, count: number, ms: number) => number
  readonly close: (fd: number) => number
  /** A connected stream socket, without Nagle's delay. Throws a BenchError. */
  connect(address: ServerAddress): number
  /** `ECONNRESET`, for the last call that failed. */
  errorName(): string
}

export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3
export const EPOLLIN = 1
export const EPOLLOUT = 4

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0x80000
const SOL_SOCKET = 1
const SO_SNDTIMEO = 21
const IPPROTO_TCP = 6
const TCP_NODELAY = 1
const CONNECT_DEADLINE_SECONDS = 5

let loaded: Promise<SystemCalls | undefined> | undefined

export async function systemCallsAvailable(): Promise<boolean> {
  return (await loadSystemCalls()) !== undefined
}

/** Throws a BenchError where the machine has no epoll or koffi has no binary for it. */
export async function requireSystemCalls(): Promise<SystemCalls> {
  const calls = await loadSystemCalls()
  if (calls) return calls
  throw new BenchError(
    'NO_EPOLL',
    `direct system calls do not work on ${process.platform}-${process.arch}: use --driver node, and no --rate`,
  )
}

function loadSystemCalls(): Promise<SystemCalls | undefined> {
  loaded ??= process.platform === 'linux' ? bind() : Promise.resolve(undefined)
  return loaded
}

async function bind(): Promise<SystemCalls | undefined> {
  try {
    return bindTo(await import('koffi'))
  } catch {
    return undefined
  }
}

function bindTo(koffi: typeof Koffi): SystemCalls {
  const libc = koffi.load(null)
  const addressOf = (bytes: ArrayBufferView): MemoryAddress => Number(koffi.address(bytes))
  const socket: (family: number, type: number, protocol: number) => number = libc.func(
    'int socket(int family, int type, int protocol)',
  )
  const connect: (fd: number, address: Uint8Array, length: number) => number = libc.func(
    'int connect(int fd, const void *address, uint32_t length)',
  )
  const setOption: (
    fd: number,
    level: number,
    name: number,
    value: ArrayBufferView,
    length: number,
  ) => number = libc.func(
    'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
  )
  const errorNames = new Map(
    Object.entries(koffi.os.errno).map(([name, number]) => [number, name] as const),
  )
  const calls: SystemCalls = {
    addressOf,
    recv: libc.func('intptr_t recv(int fd, uintptr_t to, size_t length, int flags)'),
    send: libc.func('intptr_t send(int fd, uintptr_t from, size_t length, int flags)'),
    epollCreate: libc.func('int epoll_create1(int flags)'),
    epollControl: libc.func('int epoll_ctl(int epoll, int op, int fd, const void *event)'),
    epollWait: bindEpollWait(libc, addressOf),
    close: libc.func('int close(int fd)'),
    errorName: () => errorNames.get(koffi.errno()) ?? `errno ${koffi.errno()}`,
    connect(address) {
      const { family, bytes } = socketAddress(address)
      const fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)
      const fail = (): BenchError => {
        const reason = calls.errorName()
        if (fd !== -1) calls.close(fd)
        return new BenchError(
          'CANNOT_CONNECT',
          reason === 'EMFILE'
            ? 'this process may not open so many sockets: raise "ulimit -n", or lower --connections'
            : `the server accepts no more connections (${reason}): raise its limit (memcached: -c), or lower --connections`,
        )
      }
      if (fd === -1) throw fail()
      // The limit of a blocking connect is the one for sending.
      const deadline = new BigInt64Array([BigInt(CONNECT_DEADLINE_SECONDS), 0n])
      setOption(fd, SOL_SOCKET, SO_SNDTIMEO, deadline, deadline.byteLength)
      // Linux goes on waiting for the same connection when it is asked again after a signal.
      while (connect(fd, bytes, bytes.length) === -1) {
        if (calls.errorName() !== 'EINTR') throw fail()
      }
      if (family !== AF_UNIX) {
        const on = new Int32Array([1])
        setOption(fd, IPPROTO_TCP, TCP_NODELAY, on, on.byteLength)
      }
      return fd
    },
  }
  return calls
}

function bindEpollWait(
  libc: Koffi.LibraryHandle,
  addressOf: SystemCalls['addressOf'],
): SystemCalls['epollWait'] {
  try {
    const wait: (
      epoll: number,
      to: MemoryAddress,
      count: number,
      timeout: MemoryAddress,
      signals: MemoryAddress,
    ) => number = libc.func(
      'int epoll_pwait2(int epoll, uintptr_t to, int count, uintptr_t timeout, uintptr_t signals)',
    )
    /** `struct timespec`: seconds and nanoseconds of 64 bits each; the lower halves are enough. */
    const timeout = new Uint32Array(4)
    const timeoutAddress = addressOf(timeout)
    const low = endianness() === 'LE' ? 0 : 1
    return (epoll, to, count, ms) => {
      const seconds = Math.floor(ms / 1_000)
      timeout[low] = seconds
      timeout[2 + low] = (ms - seconds * 1_000) * 1e6
      return wait(epoll, to, count, timeoutAddress, 0)
    }
  } catch {
    const wait: SystemCalls['epollWait'] = libc.func(
      'int epoll_wait(int epoll, uintptr_t to, int count, int ms)',
    )
    return (epoll, to, count, ms) => wait(epoll, to, count, Math.ceil(ms))
  }
}

/** `struct sockaddr_in`, `_in6` or `_un`: family in the machine's byte order, port in the network's. */
export function socketAddress(address: ServerAddress): { family: number; bytes: Uint8Array } {
  if (address.kind === 'unix') {
    const path = Buffer.from(`${address.path}\0`)
    return { family: AF_UNIX, bytes: withFamily(AF_UNIX, path) }
  }
  const port = Buffer.alloc(2)
  port.writeUInt16BE(address.port)
  if (!address.host.includes(':')) {
    const host = Buffer.from(address.host.split('.').map(Number))
    return {
      family: AF_INET,
      bytes: withFamily(AF_INET, Buffer.concat([port, host, Buffer.alloc(8)])),
    }
  }
  const flowInfo = Buffer.alloc(4)
  const scope = Buffer.alloc(4)
  const body = Buffer.concat([port, flowInfo, ipv6Bytes(address.host), scope])
  return { family: AF_INET6, bytes: withFamily(AF_INET6, body) }
}

function withFamily(family: number, body: Uint8Array): Uint8Array {
  const head = new Uint8Array(new Uint16Array([family]).buffer)
  return Buffer.concat([head, body])
}

function ipv6Bytes(host: string): Buffer {
  // The URL parser knows all ways to write one, and gives the shortest in return.
  const short = new URL(`http://[${host}]`).hostname.slice(1, -1)
  const [left = '', right] = short.split('::')
  const groups = (text: string | undefined): string[] => (text ? text.split(':') : [])
  const head = groups(left)
  const tail = groups(right)
  const zeros = Array<string>(8 - head.length - tail.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [index, group] of [...head, ...zeros, ...tail].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  }
  return bytes
}
