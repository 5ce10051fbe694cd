// What `stats conns` tells of the epoll transport: the table of connections, and of each socket its two ends,
// as the system knows them at the time of asking. Writes nothing down.
import type { Clock } from '../cache/clock.ts'
import type { ConnectionDescription } from '../protocol/context.ts'
import { type ConnectionTable, DATAGRAMS, LISTENING, stateName } from './connection-table.ts'
import { SocketAddresses } from './socket-addresses.ts'
import type { SystemCalls } from './system-calls.ts'
import { EXECUTING } from './transport.ts'

/** All of the process, whichever thread serves them; `asking` is the descriptor of who wants to know. */
export function* describeConnections(
  calls: SystemCalls,
  table: ConnectionTable,
  clock: Clock,
  asking: number,
): Generator<ConnectionDescription> {
  const addresses = new SocketAddresses(calls)
  for (let descriptor = 0; descriptor < table.size; descriptor++) {
    if (!table.isOpen(descriptor)) continue
    const state = table.stateOf(descriptor)
    const udp = state === DATAGRAMS
    const listener = udp || state === LISTENING
    const local = addresses.local(descriptor, udp)
    const address = listener ? local : addresses.peer(descriptor)
    // It was closed by its thread, or by its client, since we looked.
    if (local === undefined || address === undefined) continue
    yield {
      descriptor,
      udp,
      address,
      listenAddress: listener ? undefined : local,
      state: descriptor === asking ? EXECUTING : stateName(state),
      idleSeconds: clock.now - table.lastActive(descriptor),
    }
  }
}
