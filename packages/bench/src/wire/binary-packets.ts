// The numbers of memcached's binary protocol that requests and answers share.
import { APPEND, DELETE, GET, INCR, SET, TOUCH } from '../workload/operation.ts'
import { ADD_COUNTER, type RequestKind, SET_APPENDED } from './request-kinds.ts'

export const HEADER_BYTES = 24
export const REQUEST_MAGIC = 0x80
export const ANSWER_MAGIC = 0x81

/** A get whose answer has the key. */
const GETK = 0x0c
/** The same, of which nothing is heard where there is no value. */
export const GETKQ = 0x0d
export const NOOP = 0x0a

/** By kind of request. */
const OPCODES = new Uint8Array(8)
OPCODES[GET] = GETK
OPCODES[SET] = 0x01
OPCODES[DELETE] = 0x04
OPCODES[INCR] = 0x05
OPCODES[APPEND] = 0x0e
OPCODES[TOUCH] = 0x1c
OPCODES[SET_APPENDED] = 0x01
OPCODES[ADD_COUNTER] = 0x02

export function opcodeOf(kind: RequestKind): number {
  return OPCODES[kind]!
}

export const STATUS_OK = 0
export const STATUS_NOT_FOUND = 1
export const STATUS_EXISTS = 2
export const STATUS_NOT_STORED = 5
