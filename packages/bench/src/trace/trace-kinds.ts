// Which operation of ours an operation of a trace is played as. Knows no lines.
import { APPEND, DELETE, GET, INCR, type OperationKind, SET, TOUCH } from '../workload/operation.ts'

/** Instead of a kind: it is not played. */
export const LEFT_OUT = -1

/**
 * By frequency, for they are tried in turn. A trace says that a `cas` or an `add` was asked for, not whether it
 * succeeded, so these store unconditionally; a lease is cachebench's name for a get or set that keeps a
 * thundering herd away.
 */
const KINDS: readonly (readonly [name: string, kind: OperationKind])[] = [
  ['get', GET],
  ['set', SET],
  ['gets', GET],
  ['delete', DELETE],
  ['add', SET],
  ['cas', SET],
  ['replace', SET],
  ['get_lease', GET],
  ['set_lease', SET],
  ['incr', INCR],
  ['decr', INCR],
  ['append', APPEND],
  ['prepend', APPEND],
  ['touch', TOUCH],
]

/** Makes capital letters small, and whatever else is in names the same on both sides. */
const SMALL = 0x20

const NAMES = KINDS.map(([name]) => Uint8Array.from(Buffer.from(name), (byte) => byte | SMALL))
const NAMED = KINDS.map(([, kind]) => kind)

/** Of the operation that `bytes[from .. to)` names, in small or capital letters; or LEFT_OUT. */
export function operationKind(bytes: Uint8Array, from: number, to: number): OperationKind {
  for (let index = 0; index < NAMES.length; index++) {
    if (isName(NAMES[index]!, bytes, from, to)) return NAMED[index]!
  }
  return LEFT_OUT
}

function isName(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== name.length) return false
  for (let at = 0; at < name.length; at++) {
    if ((bytes[from + at]! | SMALL) !== name[at]) return false
  }
  return true
}
