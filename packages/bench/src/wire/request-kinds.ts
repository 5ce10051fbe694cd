// What is asked on the wire: a request for each kind of operation, and two more that keep the keys of incr and
// append usable. Knows the names of things, and no protocol's bytes.
import {
  APPEND,
  DELETE,
  GET,
  INCR,
  OPERATIONS,
  type OperationKind,
  type OperationName,
  SET,
  TOUCH,
} from '../workload/operation.ts'

/** An operation's kind, or one of those below. */
export type RequestKind = number

/** A set of a key that is appended to: creates it, or keeps it from growing for ever. */
export const SET_APPENDED: RequestKind = 6
/** An add that creates a key to be counted up, where incr did not. */
export const ADD_COUNTER: RequestKind = 7

const COUNTED_AS = Uint8Array.of(GET, SET, DELETE, INCR, APPEND, TOUCH, SET, SET)

/** The operation as which a request is counted: what changes a value by storing it is a set. */
export function countedAs(kind: RequestKind): OperationKind {
  return COUNTED_AS[kind]!
}

export function nameOf(kind: RequestKind): OperationName {
  return OPERATIONS[countedAs(kind)]!
}

const N = 'n'.charCodeAt(0)
const A = 'a'.charCodeAt(0)
const KEY_PREFIX = Uint8Array.of(0, 0, 0, N, A, 0, A, N)

/**
 * What the key's text begins with, before the text of `KeySpace`; 0: nothing. Numbers, and what is appended to,
 * are under keys of their own, so that gets and sets of the same load find values of the size they expect.
 */
export function keyPrefixOf(kind: RequestKind): number {
  return KEY_PREFIX[kind]!
}

const STORES = Uint8Array.of(0, 1, 0, 0, 1, 0, 1, 1)

/** Whether it brings a value. */
export function stores(kind: RequestKind): boolean {
  return STORES[kind] === 1
}
