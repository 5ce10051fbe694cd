// What the server's log says of connections and requests: events become lines, at most so many of a kind in a time, and
// then how many were left out. Knows events and levels; whoever hears the lines writes them. Never a value; keys only
// where everything is logged.
import {
  CONNECTION_CLOSE,
  CONNECTION_EVENTS,
  CONNECTION_NEW,
  DELETIONS,
  EVICTIONS,
  FETCHERS,
  type LogEvent,
  MUTATIONS,
  SYSTEM_EVENTS,
  TOO_MANY_CONNECTIONS,
  TROUBLE,
  TROUBLES,
} from '../cache/event-log.ts'
import { CLOSE_REASONS, describe, TRANSPORTS } from '../protocol/log-lines.ts'
import type { EventListener } from '../transport/watchers.ts'
import type { LogLevel } from './settings.ts'

export interface EventLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn'
  readonly fields: object
  readonly message: string
}

/** The streams that a log of this level has lines of. */
export function loggedStreams(level: LogLevel): number {
  if (level === 'info') return TROUBLES
  if (level === 'debug') return TROUBLES | CONNECTION_EVENTS
  if (level !== 'trace') return 0
  const ofItems = FETCHERS | MUTATIONS | DELETIONS | EVICTIONS
  return TROUBLES | CONNECTION_EVENTS | SYSTEM_EVENTS | ofItems
}

/** By the numbers of event-log.ts. */
const TROUBLE_NAMES = [
  'the connection broke off',
  'a line without an end',
  'a line too short to be a login',
  'no packet of the binary protocol',
  'a malformed packet',
  'a command without a login',
  'wrong user or password',
  'an HTTP request',
  'no memory for buffers (read_buf_mem_limit)',
  'too many connections (-c)',
  'the TLS handshake failed',
  'TLS broke down',
]

/** Lines of a kind: so many at once, and from then on so many a second. */
interface Allowance {
  readonly burst: number
  readonly perSecond: number
}
const OF_CONNECTIONS: Allowance = { burst: 100, perSecond: 10 }
/** Who logs everything wants to see it; but a log must not be what fills a disk in a minute. */
const OF_REQUESTS: Allowance = { burst: 5_000, perSecond: 1_000 }
/** How often it is said that lines are left out. */
const NOTICE_MS = 5_000

interface Kind extends Allowance {
  readonly level: EventLine['level']
  left: number
  at: number
  suppressed: number
  noticedAt: number
}

export class EventLines implements EventListener {
  readonly #write: (line: EventLine) => void
  readonly #now: () => number
  readonly #kinds = new Map<string, Kind>()

  /** `now` in milliseconds, on any clock. */
  constructor(write: (line: EventLine) => void, now: () => number = () => performance.now()) {
    this.#write = write
    this.#now = now
  }

  tell(event: LogEvent): void {
    const { type } = event
    const line =
      type === TROUBLE
        ? troubleLine(event)
        : type === CONNECTION_NEW || type === CONNECTION_CLOSE
          ? connectionLine(event)
          : requestLine(event)
    if (this.#takePlace(line)) this.#write(line)
  }

  pause(): void {
    const now = this.#now()
    for (const [what, kind] of this.#kinds) {
      const { level, suppressed } = kind
      if (suppressed === 0 || now - kind.noticedAt < NOTICE_MS) continue
      kind.suppressed = 0
      kind.noticedAt = now
      this.#write({ level, fields: { what, suppressed }, message: 'lines left out' })
    }
  }

  #takePlace({ level, message }: EventLine): boolean {
    const now = this.#now()
    const name = level === 'trace' ? 'requests' : message
    let kind = this.#kinds.get(name)
    if (kind === undefined) {
      const allowance = level === 'trace' ? OF_REQUESTS : OF_CONNECTIONS
      const noticedAt = Number.NEGATIVE_INFINITY
      kind = { ...allowance, level, left: allowance.burst, at: now, suppressed: 0, noticedAt }
      this.#kinds.set(name, kind)
    }
    const earned = ((now - kind.at) / 1000) * kind.perSecond
    kind.left = Math.min(kind.burst, kind.left + earned)
    kind.at = now
    if (kind.left < 1) {
      kind.suppressed++
      return false
    }
    kind.left--
    return true
  }
}

function troubleLine({ numbers, bytes }: LogEvent): EventLine {
  const [port, over, descriptor, trouble] = numbers
  const [address = '', ...words] = latin1(bytes).split(' ')
  const detail = words.join(' ')
  const fields = { ...ends(address, port, over, descriptor), reason: TROUBLE_NAMES[trouble] }
  return {
    level: 'info',
    fields: detail === '' ? fields : { ...fields, detail },
    message: trouble === TOO_MANY_CONNECTIONS ? 'connection refused' : 'connection failed',
  }
}

function connectionLine({ type, numbers, bytes }: LogEvent): EventLine {
  const [port, over, descriptor, reason] = numbers
  const fields = ends(latin1(bytes), port, over, descriptor)
  if (type === CONNECTION_NEW) return { level: 'debug', fields, message: 'connection opened' }
  const why = { ...fields, reason: CLOSE_REASONS[reason] }
  return { level: 'debug', fields: why, message: 'connection closed' }
}

/** As watchers see it, keys in URI encoding. */
function requestLine(event: LogEvent): EventLine {
  return { level: 'trace', fields: {}, message: describe(event) }
}

function ends(address: string, port: number, over: number, fd: number): object {
  const peer =
    address === 'unix'
      ? 'unix'
      : address.includes(':')
        ? `[${address}]:${port}`
        : `${address}:${port}`
  return { peer, transport: TRANSPORTS[over], fd }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
