// `-S`: what a client of the binary protocol has to do before it may give commands. SASL with one mechanism,
// PLAIN (RFC 4616). Knows how a login goes, as the Cyrus library lets it go under memcached; who may log in is
// the Host's to say.
import type { MemoryBlock } from '../cache/memory.ts'
import { AUTH_CMDS, AUTH_ERRORS } from '../cache/statistics.ts'
import * as opcode from './binary-opcodes.ts'
import {
  AUTHENTICATION_FAILED,
  CONTINUE,
  INVALID_ARGUMENTS,
  NO_MEMORY,
  writeError,
  writeHeader,
  writeOutOfMemory,
  writeText,
} from './binary-reply.ts'
import { swallowBody } from './binary-storage.ts'
import type { Connection } from './connection.ts'
import type { Context } from './context.ts'

const MECHANISM = 'PLAIN'
const MECHANISMS = Buffer.from(MECHANISM, 'latin1')
const AUTHENTICATED = Buffer.from('Authenticated', 'latin1')
const MAX_MECHANISM_BYTES = 32
/** A longer message can hold no name and password that anybody has. */
const MAX_MESSAGE_BYTES = 8 * 1024

const NUL = '\0'

/** Commands that need no login. */
export function isForAnyone(command: number): boolean {
  return isAuthentication(command) || command === opcode.VERSION
}

export function isAuthentication(command: number): boolean {
  return (
    command === opcode.SASL_LIST_MECHANISMS ||
    command === opcode.SASL_AUTHENTICATE ||
    command === opcode.SASL_STEP
  )
}

/** The result is that of `processRequest`; -1 also while the message is not complete. */
export function processAuthentication(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  end: number,
): number {
  const { request } = context
  const { keyEnd, valueLength } = request
  if (request.command === opcode.SASL_LIST_MECHANISMS) {
    connection.authenticated = false
    writeText(context, MECHANISMS)
  } else if (request.keyLength > MAX_MECHANISM_BYTES) {
    writeError(context, INVALID_ARGUMENTS)
    swallowBody(connection, valueLength)
  } else if (valueLength < 0 || valueLength > context.cache.options.slabChunkMaxBytes) {
    writeOutOfMemory(context, NO_MEMORY)
    swallowBody(connection, valueLength)
  } else if (valueLength > MAX_MESSAGE_BYTES) {
    takeMessage(context, connection, undefined)
    swallowBody(connection, valueLength)
  } else {
    const messageEnd = keyEnd + valueLength
    if (messageEnd > end) return -1
    takeMessage(context, connection, textOf(input, keyEnd, messageEnd))
    return messageEnd
  }
  return keyEnd
}

/** A message of the exchange; undefined for one that is none. */
function takeMessage(context: Context, connection: Connection, message: string | undefined): void {
  const { cache, request } = context
  connection.authenticated = false
  if (request.command === opcode.SASL_AUTHENTICATE) {
    const begins = connection.login !== 'over' && isMechanism(context)
    if (begins && message === '') {
      connection.login = 'begun'
      writeHeader(context, CONTINUE, 0, 0, 0, 0)
      return
    }
    connection.authenticated = begins && accepts(context, message)
    if (connection.login === 'begun') connection.login = 'none'
  } else {
    connection.authenticated = connection.login === 'begun' && accepts(context, message)
  }
  cache.statistics.add(AUTH_CMDS, 1)
  if (connection.authenticated) {
    connection.login = 'over'
    writeText(context, AUTHENTICATED)
  } else {
    cache.statistics.add(AUTH_ERRORS, 1)
    writeError(context, AUTHENTICATION_FAILED)
    connection.refuseLogin()
  }
}

function isMechanism({ request }: Context): boolean {
  return textOf(request.block, request.keyAt, request.keyEnd).toUpperCase() === MECHANISM
}

function accepts({ cache, host }: Context, message: string | undefined): boolean {
  const parts = message?.split(NUL)
  if (parts?.length !== 3) return false
  const [authorization, user, password] = parts
  // The Host may read a file, and nobody is to wait for that: nothing of the cache is held here.
  cache.lock.release()
  try {
    return host.logIn?.({ authorization, user, password }) ?? false
  } finally {
    cache.lock.acquire()
  }
}

function textOf({ bytes }: MemoryBlock, at: number, end: number): string {
  return Buffer.from(bytes.subarray(at, end)).toString('latin1')
}
