// One operation of a load, as numbers: what is asked, of which key, with how large a value. Whoever draws
// operations (a workload, a trace) fills in a record that is used again, so that drawing makes no garbage.
// Knows no bytes and no sockets: wire/ makes requests of operations.

/** Index into {@link OPERATIONS}; counted and timed by it. */
export type OperationKind = number

export const OPERATIONS = ['get', 'set', 'delete', 'incr', 'append', 'touch'] as const
export type OperationName = (typeof OPERATIONS)[number]

export const GET: OperationKind = 0
export const SET: OperationKind = 1
export const DELETE: OperationKind = 2
export const INCR: OperationKind = 3
export const APPEND: OperationKind = 4
export const TOUCH: OperationKind = 5

export interface Operation {
  kind: OperationKind
  /** Below the number of keys of the load: `KeySpace` has its text. */
  key: number
  /** Of what is stored, or appended; for a get, of what is stored if it misses. */
  valueBytes: number
  /** Seconds until it expires, for what stores or touches; 0: never. */
  ttl: number
}

export interface OperationSource {
  /** Fills in the next operation. False at the end; one without an end is always true. */
  next(operation: Operation): boolean
}

/** The text of keys. */
export interface KeySpace {
  /** How many there are, or may be. */
  readonly keys: number
  /** Bytes of the longest. */
  readonly longest: number
  /** Writes the key's text and returns where it ends. There must be room for the longest. */
  write(key: number, to: Uint8Array, at: number): number
}

export function operation(): Operation {
  return { kind: GET, key: 0, valueBytes: 0, ttl: 0 }
}
