// watch: makes the connection one that is told what happens, instead of one that asks. Knows the streams'
// names; the lines are log-lines.ts's, the sending is the transport's.
import {
  CONNECTION_EVENTS,
  DELETIONS,
  EVICTIONS,
  FETCHERS,
  MUTATIONS,
  SILENT_STREAMS,
  SYSTEM_EVENTS,
} from '../cache/event-log.ts'
import { answer } from './classic.ts'
import { type Connection, WATCHING } from './connection.ts'
import { type Context, ERROR } from './context.ts'
import { line } from './reply.ts'
import { word } from './tokens.ts'

const NOT_ALLOWED = line('CLIENT_ERROR watch commands not allowed')
const PIPELINED = line('ERROR cannot pipeline other commands before watch')
const FAILED = line('WATCHER_FAILED failed to add log watcher')
const TOO_MANY = line('WATCHER_TOO_MANY log watcher limit reached')

/** In the order in which an abbreviation is looked for. */
const STREAMS = [
  // memcached has long stopped logging commands; without a proxy, nothing comes from its streams.
  [word('rawcmds'), SILENT_STREAMS],
  [word('evictions'), EVICTIONS],
  [word('fetchers'), FETCHERS],
  [word('mutations'), MUTATIONS],
  [word('sysevents'), SYSTEM_EVENTS],
  [word('connevents'), CONNECTION_EVENTS],
  [word('proxyreqs'), SILENT_STREAMS],
  [word('proxyevents'), SILENT_STREAMS],
  [word('proxyuser'), SILENT_STREAMS],
  [word('deletions'), DELETIONS],
] as const

/** The `OK` is the first thing that the watcher is sent by whoever sends it the lines. */
export function processWatch(context: Context, connection: Connection): void {
  const { tokens, cache, host, reply } = context
  if (!host.watchEnabled) {
    answer(context, NOT_ALLOWED)
    return
  }
  if (context.pipelined) {
    answer(context, PIPELINED)
    return
  }
  let streams = tokens.count === 1 ? FETCHERS : 0
  for (let token = 1; token < tokens.count; token++) {
    const stream = streamOf(context, token)
    if (stream === 0) {
      answer(context, ERROR)
      return
    }
    streams |= stream
  }
  if (connection.datagram) {
    // Nobody could tell when to stop sending.
    reply.text(FAILED)
    return
  }
  const slot = cache.events.addWatcher(streams)
  if (slot < 0) {
    answer(context, TOO_MANY)
    return
  }
  connection.state = WATCHING
  connection.watchSlot = slot
}

function streamOf(context: Context, token: number): number {
  for (const [name, stream] of STREAMS) {
    if (context.tokens.abbreviates(token, name)) return stream
  }
  return 0
}
