// The table of contents of the binary protocol: takes a request from the input, refuses what is malformed,
// and finds who answers the rest. Knows nothing of what a command does.
import { BAD_PACKET, NO_PACKET, NOT_LOGGED_IN } from '../cache/event-log.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { processQuit } from './administration.ts'
import {
  processBinaryFlush,
  processBinaryStatistics,
  processBinaryVersion,
} from './binary-administration.ts'
import { processBinaryArithmetic } from './binary-arithmetic.ts'
import { isAuthentication, isForAnyone, processAuthentication } from './binary-authentication.ts'
import * as opcode from './binary-opcodes.ts'
import {
  AUTHENTICATION_FAILED,
  INVALID_ARGUMENTS,
  UNKNOWN_COMMAND,
  writeDone,
  writeError,
} from './binary-reply.ts'
import { HEADER_BYTES, REQUEST_MAGIC } from './binary-request.ts'
import { processBinaryRetrieval } from './binary-retrieval.ts'
import {
  beginBinaryStorage,
  processBinaryDelete,
  swallowBody,
  takeFirstValue,
} from './binary-storage.ts'
import { BINARY_VALUE, type Connection } from './connection.ts'
import type { Context } from './context.ts'
import * as kind from './request-kinds.ts'

/** What may come of a request before its value: memcached's read buffer. A longer key ends the connection. */
const MAX_HEAD_BYTES = 16 * 1024

/** The kind of request of each command, by opcode. */
const KINDS = new Int32Array(256).fill(kind.OTHER)
for (const [command, requestKind] of [
  [opcode.GET, kind.GET],
  [opcode.GETK, kind.GET],
  [opcode.GAT, kind.GAT],
  [opcode.GATK, kind.GAT],
  [opcode.TOUCH, kind.TOUCH],
  [opcode.SET, kind.SET],
  [opcode.ADD, kind.ADD],
  [opcode.REPLACE, kind.REPLACE],
  [opcode.APPEND, kind.APPEND],
  [opcode.PREPEND, kind.PREPEND],
  [opcode.DELETE, kind.DELETE],
  [opcode.INCREMENT, kind.INCR],
  [opcode.DECREMENT, kind.DECR],
] as const) {
  KINDS[command] = requestKind
}

/**
 * Executes the request at `at` of `input`, whose bytes end at `end`. Returns the position after what it has
 * taken, or -1 if header, extras and key are not complete.
 */
export function processRequest(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  at: number,
  end: number,
): number {
  const { request } = context
  if (end - at < HEADER_BYTES) return -1
  if (input.bytes[at] !== REQUEST_MAGIC) {
    connection.fail(NO_PACKET)
    return at
  }
  request.read(input, at)
  connection.requestKind = KINDS[request.command]
  const { keyEnd } = request
  if (keyEnd - at > MAX_HEAD_BYTES && end - at >= MAX_HEAD_BYTES) connection.fail(BAD_PACKET)
  if (keyEnd > end || connection.closing) return -1
  if (!request.fits) {
    writeError(context, UNKNOWN_COMMAND)
    connection.fail(BAD_PACKET)
  } else if (!connection.authenticated && !isForAnyone(request.command)) {
    writeError(context, AUTHENTICATION_FAILED)
    connection.fail(NOT_LOGGED_IN)
  } else if (isMalformed(context)) {
    writeError(context, INVALID_ARGUMENTS)
    connection.fail(BAD_PACKET)
  } else if (isAuthentication(request.command) && context.host.logIn !== undefined) {
    return processAuthentication(context, connection, input, end)
  } else {
    processCommand(context, connection)
    if (connection.state === BINARY_VALUE) {
      return takeFirstValue(context, connection, input, keyEnd, end)
    }
  }
  return keyEnd
}

/** Takes the key on the way. */
function isMalformed(context: Context): boolean {
  const { request } = context
  const keyTaken = context.takeKey(request.block, request.keyAt, request.keyEnd)
  return (!keyTaken && request.keyLength > 0) || !request.wellFormed
}

function processCommand(context: Context, connection: Connection): void {
  const { request } = context
  switch (request.command) {
    case opcode.GET:
    case opcode.GETK:
      processBinaryRetrieval(context, false)
      return
    case opcode.TOUCH:
    case opcode.GAT:
    case opcode.GATK:
      processBinaryRetrieval(context, true)
      return
    case opcode.SET:
    case opcode.ADD:
    case opcode.REPLACE:
    case opcode.APPEND:
    case opcode.PREPEND:
      beginBinaryStorage(context, connection)
      return
    case opcode.DELETE:
      processBinaryDelete(context)
      return
    case opcode.INCREMENT:
    case opcode.DECREMENT:
      processBinaryArithmetic(context)
      return
    case opcode.STAT:
      processBinaryStatistics(context, connection)
      return
    case opcode.FLUSH:
      processBinaryFlush(context)
      return
    case opcode.VERSION:
      processBinaryVersion(context)
      return
    case opcode.NOOP:
      writeDone(context, 0)
      return
    case opcode.QUIT:
      writeDone(context, 0)
      processQuit(connection)
      return
    default:
      refuseUnknown(context, connection)
  }
}

/** As memcached, which has taken extras and key already and drops as many bytes once more. */
function refuseUnknown(context: Context, connection: Connection): void {
  const { request } = context
  writeError(context, UNKNOWN_COMMAND)
  const authenticates =
    request.command === opcode.SASL_AUTHENTICATE || request.command === opcode.SASL_STEP
  swallowBody(connection, authenticates ? request.valueLength : request.bodyLength)
}
