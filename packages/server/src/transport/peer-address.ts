// Who is at the other end of a descriptor, as watchers are told. Knows what of it matters to them.
import { OVER_TCP, OVER_UNIX_SOCKET } from '../cache/event-log.ts'
import type { PeerAddress } from './connection-events.ts'
import { SocketAddresses } from './socket-addresses.ts'
import type { SystemCalls } from './system-calls.ts'

export function peerAddress(calls: SystemCalls, fd: number): PeerAddress {
  const end = new SocketAddresses(calls).peerEnd(fd)
  // A peer that has reset its connection can't be named any more.
  if (end === undefined) return { address: 'unix', port: 0, over: OVER_TCP }
  if (end.family === 'unix') return { address: 'unix', port: 0, over: OVER_UNIX_SOCKET }
  return { address: end.host, port: end.port, over: OVER_TCP }
}
