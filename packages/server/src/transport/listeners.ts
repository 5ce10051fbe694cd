// Opens the sockets of the epoll transport that clients come to, TCP, UDP and unix, as memcached does: one for
// each address that a name stands for. Knows addresses and sockets, nothing of what is served on them.
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { isIP } from 'node:net'
import { MemoryBlock } from '../cache/memory.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  type SystemCalls,
  TCP_NODELAY,
} from './system-calls.ts'

export interface ListenAddress {
  /** An IPv4 or IPv6 address without brackets, or a host name; undefined is every interface. */
  readonly host: string | undefined
  /** 0 lets the system choose. */
  readonly port: number
  /** What is spoken there; undefined: what is spoken everywhere. */
  readonly protocol?: BindingProtocol
  /** It is TLS, and what becomes of clients' certificates; undefined: it is not. */
  readonly clientCertificates?: ClientCertificates
}

/** Not asked for; asked for, and what comes must be good; demanded. */
export type ClientCertificates = 'ignored' | 'optional' | 'required'

export interface ListenOptions {
  readonly tcpAddresses: readonly ListenAddress[]
  readonly udpAddresses: readonly ListenAddress[]
  readonly unixSocketPath: string | undefined
  /** Permissions of the unix socket. */
  readonly unixSocketMask: number
  readonly backlog: number
}

export interface Listener {
  readonly fd: number
  readonly kind: 'tcp' | 'udp' | 'unix'
  /** In words: `127.0.0.1:11211`, `[::1]:11211`, `udp:127.0.0.1:11211`, `/run/memshard.sock`. */
  readonly address: string
  readonly port: number
  readonly protocol?: BindingProtocol
  readonly clientCertificates?: ClientCertificates
}

/** A socket could not be opened; the message says which and why. */
export class ListenError extends Error {
  readonly code = 'ERR_MEMSHARD_LISTEN'
}

interface NumericAddress {
  readonly address: string
  readonly family: 4 | 6
  /** Every interface: one of the two families may be missing on this machine. */
  readonly wildcard: boolean
}

const SOCKADDR_BYTES = 128
const SUN_PATH_BYTES = 108
/** As much as the system allows, if it is less: room for the datagrams of a large value. */
const UDP_SEND_BUFFER_BYTES = 4 * 1024 * 1024
/** The same for requests that come while the thread is at work; the system's own is full of 300 small ones. */
export const UDP_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

export async function openListeners(
  calls: SystemCalls,
  options: ListenOptions,
): Promise<readonly Listener[]> {
  const listeners: Listener[] = []
  if (options.unixSocketPath !== undefined) {
    listeners.push(listenUnix(calls, options.unixSocketPath, options))
  }
  const { tcpAddresses, udpAddresses, backlog } = options
  for (const address of tcpAddresses) {
    listeners.push(...(await listenOn(calls, 'tcp', address, backlog)))
  }
  for (const address of udpAddresses) listeners.push(...(await listenOn(calls, 'udp', address)))
  return listeners
}

/** All sockets for one address as given, which may be a name of several. */
async function listenOn(
  calls: SystemCalls,
  kind: 'tcp' | 'udp',
  { host, port, protocol, clientCertificates }: ListenAddress,
  backlog = 0,
): Promise<readonly Listener[]> {
  const listeners: Listener[] = []
  for (const numeric of await resolve(host, port)) {
    // With an ephemeral port, the first family's choice is the second's too.
    const wanted = port === 0 && listeners.length > 0 ? listeners[0].port : port
    const listener = bindTo(calls, kind, numeric, wanted, backlog)
    if (listener !== undefined) listeners.push({ ...listener, protocol, clientCertificates })
  }
  if (listeners.length === 0) {
    throw new ListenError(
      `failed to listen on ${kind.toUpperCase()} port ${port}: no usable address`,
    )
  }
  return listeners
}

export async function resolve(host: string | undefined, port: number): Promise<NumericAddress[]> {
  if (host === undefined) {
    return [
      { address: '0.0.0.0', family: 4, wildcard: true },
      { address: '::', family: 6, wildcard: true },
    ]
  }
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family: family === 6 ? 6 : 4, wildcard: false }]
  const { lookup } = await import('node:dns/promises')
  try {
    const found = await lookup(host, { all: true })
    return found.map(({ address, family }) => ({
      address,
      family: family === 6 ? 6 : 4,
      wildcard: false,
    }))
  } catch {
    throw new ListenError(`failed to listen on ${host}:${port}: the name can't be resolved`)
  }
}

function bindTo(
  calls: SystemCalls,
  kind: 'tcp' | 'udp',
  { address, family, wildcard }: NumericAddress,
  port: number,
  backlog: number,
): Listener | undefined {
  const name = family === 6 ? `[${address}]:${port}` : `${address}:${port}`
  const fail = (): undefined => {
    const errno = calls.errno()
    if (wildcard && (errno === EAFNOSUPPORT || errno === EADDRNOTAVAIL)) return undefined
    throw new ListenError(
      `failed to listen on ${kind.toUpperCase()} ${name}: ${calls.describeError(errno)}`,
    )
  }
  const domain = family === 6 ? AF_INET6 : AF_INET
  const type = kind === 'tcp' ? SOCK_STREAM : SOCK_DGRAM
  const fd = calls.socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) return fail()
  if (kind === 'tcp') {
    setOption(calls, fd, SOL_SOCKET, SO_REUSEADDR, 1)
    setOption(calls, fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    setOption(calls, fd, SOL_SOCKET, SO_LINGER, 0, 0)
    setOption(calls, fd, IPPROTO_TCP, TCP_NODELAY, 1)
  } else {
    // Not SO_REUSEADDR, which memcached sets here too: it would let two servers share the port unnoticed.
    setOption(calls, fd, SOL_SOCKET, SO_SNDBUF, UDP_SEND_BUFFER_BYTES)
    setOption(calls, fd, SOL_SOCKET, SO_RCVBUF, UDP_RECEIVE_BUFFER_BYTES)
  }
  if (family === 6) setOption(calls, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)
  const sockaddr = new MemoryBlock(new ArrayBuffer(SOCKADDR_BYTES))
  sockaddr.view.setUint16(0, domain, true)
  sockaddr.view.setUint16(2, port)
  calls.inet_pton(domain, address, sockaddr.address + (family === 6 ? 8 : 4))
  const length = family === 6 ? 28 : 16
  const bound = calls.bind(fd, sockaddr.address, length) === 0
  if (!bound || (kind === 'tcp' && calls.listen(fd, backlog) < 0)) {
    const failure = fail
    try {
      return failure()
    } finally {
      calls.close(fd)
    }
  }
  const chosen = portOf(calls, fd)
  const words = family === 6 ? `[${address}]:${chosen}` : `${address}:${chosen}`
  return { fd, kind, address: kind === 'udp' ? `udp:${words}` : words, port: chosen }
}

function listenUnix(calls: SystemCalls, path: string, options: ListenOptions): Listener {
  const fail = (why: string): never => {
    throw new ListenError(`failed to listen on UNIX socket ${path}: ${why}`)
  }
  const bytes = Buffer.from(path)
  if (bytes.length >= SUN_PATH_BYTES) fail(`the path is longer than ${SUN_PATH_BYTES - 1} bytes`)
  removeStaleSocket(path)
  const fd = calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) fail(calls.describeError(calls.errno()))
  const sockaddr = new MemoryBlock(new ArrayBuffer(SOCKADDR_BYTES))
  sockaddr.view.setUint16(0, AF_UNIX, true)
  sockaddr.bytes.set(bytes, 2)
  // Nobody may connect between bind and chmod with more rights than asked for.
  const umask = process.umask(~options.unixSocketMask & 0o777)
  const bound = calls.bind(fd, sockaddr.address, 2 + bytes.length + 1)
  const errno = calls.errno()
  process.umask(umask)
  if (bound < 0) fail(calls.describeError(errno))
  chmodSync(path, options.unixSocketMask)
  if (calls.listen(fd, options.backlog) < 0) fail(calls.describeError(calls.errno()))
  return { fd, kind: 'unix', address: path, port: 0 }
}

/** A socket file that an earlier process left behind; anything else there is not ours to remove. */
export function removeStaleSocket(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path)
  } catch {
    // There is none.
  }
}

function setOption(
  calls: SystemCalls,
  fd: number,
  level: number,
  name: number,
  ...values: number[]
): void {
  const option = new MemoryBlock(new ArrayBuffer(8))
  values.forEach((value, i) => {
    option.view.setInt32(i * 4, value, true)
  })
  // As in memcached, a refused option is no reason not to serve.
  calls.setsockopt(fd, level, name, option.address, Math.max(4, values.length * 4))
}

function portOf(calls: SystemCalls, fd: number): number {
  const sockaddr = new MemoryBlock(new ArrayBuffer(SOCKADDR_BYTES))
  const length = new MemoryBlock(new ArrayBuffer(8))
  length.view.setUint32(0, SOCKADDR_BYTES, true)
  calls.getsockname(fd, sockaddr.address, length.address)
  return sockaddr.view.getUint16(2)
}
