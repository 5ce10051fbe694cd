// Whether the node is alive and whether it is ready, as a supervisor asks: a round trip by one of its own sockets,
// which takes a thread and the cache's lock, within a deadline. Knows no HTTP.
import { connect, type NetConnectOpts } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface Health {
  readonly well: boolean
  /** In one line, for a person. */
  readonly reason: string
}

/** What a node says of itself, and how it is reached. */
export interface Probed {
  /** Where clients come to; undefined: nowhere but by datagrams. */
  readonly endpoint: NetConnectOpts | undefined
  /** TLS is spoken there. */
  readonly secure?: boolean
  /** What a client may send to be answered, whoever it is. */
  readonly greeting: string | Uint8Array
  /** Why no clients should come now, in a few words; undefined: they may. */
  unready(): string | undefined
  /** Whether new connections are accepted at the moment. */
  accepting(): boolean
  /** A round trip without a socket: it comes back once the cache's lock could be had. */
  roundTrip(): void
}

export const PROBE_DEADLINE_MS = 1_000

/** Threads serve. A node that is full, or is stopping, is alive too. */
export async function alive(probed: Probed, deadlineMs = PROBE_DEADLINE_MS): Promise<Health> {
  const { endpoint } = probed
  if (endpoint === undefined || !probed.accepting() || probed.unready() !== undefined) {
    probed.roundTrip()
    return { well: true, reason: 'the cache answers' }
  }
  const trouble = await reaction(endpoint, probed, deadlineMs)
  // What began to stop meanwhile need not answer.
  if (trouble === undefined || probed.unready() !== undefined || !probed.accepting()) {
    return { well: true, reason: 'serving' }
  }
  return { well: false, reason: `no thread answers: ${trouble}` }
}

/** Alive, and clients may come. */
export async function ready(probed: Probed, deadlineMs = PROBE_DEADLINE_MS): Promise<Health> {
  const unready =
    probed.unready() ?? (probed.accepting() ? undefined : 'no room for further connections')
  return unready === undefined ? alive(probed, deadlineMs) : { well: false, reason: unready }
}

/**
 * What stood in the way of any reaction to a greeting. An error, or being hung up on, is a reaction: a thread that
 * hangs gives none.
 */
function reaction(
  endpoint: NetConnectOpts,
  { greeting, secure = false }: Probed,
  deadlineMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let connected = false
    // Whose certificate it is does not matter: it comes from this process.
    const socket = secure
      ? connectTls({ ...endpoint, rejectUnauthorized: false })
      : connect(endpoint)
    const settle = (trouble: string | undefined): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(trouble)
    }
    const timer = setTimeout(() => settle(`nothing came within ${deadlineMs} ms`), deadlineMs)
    socket.once('connect', () => {
      connected = true
      socket.write(greeting)
    })
    // Where certificates of clients are demanded, hands are all that can be had.
    socket.once('secureConnect', () => settle(undefined))
    socket.once('data', () => settle(undefined))
    socket.once('end', () => settle(undefined))
    socket.once('error', ({ message }) => settle(connected ? undefined : message))
  })
}
