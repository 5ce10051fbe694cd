// `-Y`: what a client has to do before it may give commands. It logs in by what looks like a `set`, whose value
// is `<user> <password>`; whatever else it sends is refused. Knows no command: none is reached from here.
import { LINE_TOO_LONG, LINE_TOO_SHORT } from '../cache/event-log.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { AUTH_CMDS, AUTH_ERRORS } from '../cache/statistics.ts'
import { AUTHENTICATION, COMMAND, type Connection, SWALLOW } from './connection.ts'
import type { Context } from './context.ts'
import { findLineEnd, MAX_WAITING_LINE_BYTES } from './line-end.ts'
import { parseU32 } from './numbers.ts'
import { line } from './reply.ts'
import { word } from './tokens.ts'

const STORED = line('STORED')
const UNAUTHENTICATED = line('CLIENT_ERROR unauthenticated')
const TOKEN_TOO_LONG = line('CLIENT_ERROR auth token too long')
const BAD_TERMINATION = line('CLIENT_ERROR bad command line termination')
const BAD_FORMAT = line('CLIENT_ERROR bad authentication token format')
const FAILURE = line('CLIENT_ERROR authentication failure')

const SET = word('set')
/** `set <any> <any> <any> <bytes>` */
const SET_TOKENS = 5
/** A client that sends less is none of ours. */
const MIN_LINE_BYTES = 6
const MAX_TOKEN_BYTES = 16 * 1024

const CR = 13
const LF = 10
const SPACE = 32

/** The state of a connection that has just been made and has to log in. */
export function beginAuthentication(connection: Connection): void {
  connection.state = AUTHENTICATION
  connection.commandState = AUTHENTICATION
}

/** Consumes a line, or what should be a user and a password. -1 if that needs more bytes. */
export function processAuthentication(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  at: number,
  end: number,
): number {
  if (connection.tokenLength === 0) return takeLine(context, connection, input, at, end)
  const tokenEnd = at + connection.tokenLength
  if (tokenEnd > end) return -1
  connection.tokenLength = 0
  takeToken(context, connection, input, at, tokenEnd)
  return tokenEnd
}

function takeLine(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  at: number,
  end: number,
): number {
  const { tokens, reply } = context
  const { bytes } = input
  const lineEnd = findLineEnd(input, at, end)
  if (lineEnd === end) {
    if (end - at > MAX_WAITING_LINE_BYTES) connection.fail(LINE_TOO_LONG)
    return -1
  }
  if (lineEnd + 1 - at < MIN_LINE_BYTES) {
    connection.fail(LINE_TOO_SHORT)
    return lineEnd + 1
  }
  tokens.split(input, at, bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd)
  const length =
    tokens.count >= SET_TOKENS && tokens.is(0, SET)
      ? parseU32(input, tokens.start[SET_TOKENS - 1], tokens.end[SET_TOKENS - 1])
      : Number.NaN
  if (Number.isNaN(length)) {
    reply.text(UNAUTHENTICATED)
  } else if (length + 2 > MAX_TOKEN_BYTES) {
    reply.text(TOKEN_TOO_LONG)
    connection.state = SWALLOW
    connection.swallow = length + 2
  } else {
    connection.tokenLength = length + 2
  }
  return lineEnd + 1
}

function takeToken(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  at: number,
  end: number,
): void {
  const { reply, cache, host } = context
  const { bytes } = input
  const textEnd = end - 2
  if (bytes[textEnd] !== CR || bytes[textEnd + 1] !== LF) {
    reply.text(BAD_TERMINATION)
    return
  }
  const space = bytes.subarray(at, textEnd).indexOf(SPACE)
  if (space < 0) {
    reply.text(BAD_FORMAT)
    return
  }
  cache.statistics.add(AUTH_CMDS, 1)
  if (host.credentials?.match(input, at, at + space, textEnd) !== true) {
    cache.statistics.add(AUTH_ERRORS, 1)
    reply.text(FAILURE)
    connection.refuseLogin()
    return
  }
  reply.text(STORED)
  connection.state = COMMAND
  connection.commandState = COMMAND
}
