// The lines that watchers read: memcached's log-line format. Knows events and text, nothing of who reads.
import { MAX_SLAB_CLASSES } from '../cache/arena.ts'
import {
  CONNECTION_CLOSE,
  CONNECTION_NEW,
  CRAWLER_STATUS,
  DELETED,
  EVICTION,
  ITEM_GET,
  ITEM_STORE,
  type LogEvent,
  SLAB_MOVE,
  TROUBLE,
} from '../cache/event-log.ts'

// Names, by the numbers of event-log.ts, store.ts and lru.ts.
const FETCH_OUTCOMES = ['not_found', 'found', 'flushed', 'expired']
const STORE_OUTCOMES = ['stored', 'not_stored', 'exists', 'not_found', 'too_large', 'no_memory']
const STORE_MODES = ['set', 'add', 'replace', 'append', 'prepend', 'cas']
const DELETING_COMMANDS = ['delete', 'md']
export const CLOSE_REASONS = ['error', 'normal', 'idle_timeout', 'shutdown']
export const TRANSPORTS = ['local', 'tcp', 'udp']
const LRU_SEGMENTS = ['hot', 'warm', 'cold', 'temp']

/** One event, its newline included. Microseconds are not padded, as in memcached. */
export function logLine(event: LogEvent): string {
  return `ts=${event.seconds}.${event.microseconds} gid=${event.id} ${describe(event)}\n`
}

/** What a watcher is told that could not keep up. */
export function skippedLine(lines: number): string {
  return `skipped=${lines}\n`
}

/** The event alone: what a line says after its time and number. */
export function describe({ type, numbers, bytes }: LogEvent): string {
  switch (type) {
    case ITEM_GET: {
      const [outcome, slabClass, descriptor, size] = numbers
      return `type=item_get key=${uriEncoded(bytes)} status=${FETCH_OUTCOMES[outcome]} clsid=${slabClass} cfd=${descriptor} size=${size}`
    }
    case ITEM_STORE: {
      const [outcome, mode, ttl, slabClass, descriptor, size] = numbers
      // An item that is stored expired has lived for a negative time, printed without its sign.
      return `type=item_store key=${uriEncoded(bytes)} status=${STORE_OUTCOMES[outcome]} cmd=${STORE_MODES[mode]} ttl=${ttl >>> 0} clsid=${slabClass} cfd=${descriptor} size=${size}`
    }
    case EVICTION: {
      const [fetched, ttl, idle, slabClass, size] = numbers
      return `type=eviction key=${uriEncoded(bytes)} fetch=${fetched === 1 ? 'yes' : 'no'} ttl=${ttl} la=${idle} clsid=${slabClass} size=${size}`
    }
    case DELETED: {
      const [command, slabClass, size] = numbers
      return `type=deleted key=${uriEncoded(bytes)} cmd=${DELETING_COMMANDS[command]} clsid=${slabClass} size=${size}`
    }
    case CONNECTION_NEW: {
      const [port, over, descriptor] = numbers
      return `type=conn_new rip=${latin1(bytes)} rport=${port} transport=${TRANSPORTS[over]} cfd=${descriptor}`
    }
    case CONNECTION_CLOSE: {
      const [port, over, descriptor, reason] = numbers
      return `type=conn_close rip=${latin1(bytes)} rport=${port} transport=${TRANSPORTS[over]} reason=${CLOSE_REASONS[reason]} cfd=${descriptor}`
    }
    case CRAWLER_STATUS: {
      const [list, lowMark, nextReclaims, sinceRun, nextRun, elapsed, examined, reclaimed] = numbers
      const slabClass = list % MAX_SLAB_CLASSES
      const segment = LRU_SEGMENTS[Math.floor(list / MAX_SLAB_CLASSES)]
      return `type=lru_crawler crawler=${slabClass} lru=${segment} low_mark=${lowMark} next_reclaims=${nextReclaims} since_run=${sinceRun} next_run=${nextRun} elapsed=${elapsed} examined=${examined} reclaimed=${reclaimed}`
    }
    case SLAB_MOVE: {
      const [source, destination, begun] = numbers
      return `type=slab_move src=${source} dst=${destination} state=${begun === 1 ? 'ok' : 'fail'}`
    }
    case TROUBLE: {
      // In no stream that can be watched.
      const [port, over, descriptor, trouble] = numbers
      return `type=conn_trouble rip=${latin1(bytes)} rport=${port} transport=${TRANSPORTS[over]} trouble=${trouble} cfd=${descriptor}`
    }
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/** What every byte becomes: itself if it is of `[A-Za-z0-9-._~]`, %XX if not. */
const ENCODED = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  if (/[A-Za-z0-9\-._~]/.test(character)) return character
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

function uriEncoded(key: Uint8Array): string {
  let text = ''
  for (const byte of key) text += ENCODED[byte]
  return text
}
