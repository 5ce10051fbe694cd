// What each connection of the process is doing and when it last did something, by descriptor, in memory that
// all threads share: for `stats conns`, and for closing idle connections. Knows no socket; who the two ends of
// a connection are is asked of the system when somebody wants to know.
import { BINARY_VALUE, type Connection, SWALLOW, VALUE, WATCHING } from '../protocol/connection.ts'

const WORDS_PER_CONNECTION = 4
const BYTES_PER_CONNECTION = WORDS_PER_CONNECTION * Int32Array.BYTES_PER_ELEMENT
const STATE = 0
const LAST_ACTIVE = 1
const THREAD = 2
const LISTENER = 3

// States, and memcached's names for them. What a thread is executing at the moment is not noted: it would be
// over before anybody could read it.
const CLOSED = 0
export const LISTENING = 1
/** Accepted, and nothing has come yet. */
export const NEW = 2
/** Waits for a request. */
export const READING = 3
/** Waits for the rest of a value. */
export const READING_VALUE = 4
/** Waits for the rest of a value that is refused. */
export const SWALLOWING = 5
/** Waits for the client to take an answer. */
export const WRITING = 6
/** A UDP socket. */
export const DATAGRAMS = 7
/** Is told what happens. */
export const WATCHED = 8
const STATE_NAMES = [
  'conn_closed',
  'conn_listening',
  'conn_new_cmd',
  'conn_read',
  'conn_nread',
  'conn_swallow',
  'conn_mwrite',
  'conn_read',
  'conn_watch',
]

export class ConnectionTable {
  readonly buffer: SharedArrayBuffer
  /** Descriptors from here on are served, but not noted. */
  readonly size: number
  readonly #words: Int32Array

  /** Room for as many descriptors, or another thread's memory, to share its table. */
  constructor(sizeOrBuffer: number | SharedArrayBuffer) {
    this.buffer =
      typeof sizeOrBuffer === 'number'
        ? new SharedArrayBuffer(sizeOrBuffer * BYTES_PER_CONNECTION)
        : sizeOrBuffer
    this.size = this.buffer.byteLength / BYTES_PER_CONNECTION
    this.#words = new Int32Array(this.buffer)
  }

  /** `thread` is to serve it; `listener` is the number, from 0, of the listener it came by. */
  open(fd: number, state: number, now: number, thread = 0, listener = 0): void {
    const at = fd * WORDS_PER_CONNECTION
    this.#words[at + THREAD] = thread
    this.#words[at + LISTENER] = listener
    this.#words[at + LAST_ACTIVE] = now
    // Last: who sees the new state sees whose it is now, and not who had the descriptor before.
    Atomics.store(this.#words, at + STATE, state)
  }

  /** The connection has executed what had come, at second `now` of the server's clock. */
  note(fd: number, state: number, now: number): void {
    const at = fd * WORDS_PER_CONNECTION
    this.#words[at + STATE] = state
    this.#words[at + LAST_ACTIVE] = now
  }

  /** To be called before the descriptor is closed, because another thread may get it at once. */
  close(fd: number): void {
    this.#words[fd * WORDS_PER_CONNECTION + STATE] = CLOSED
  }

  isOpen(fd: number): boolean {
    return this.stateOf(fd) !== CLOSED
  }

  /** To be asked for before the rest. */
  stateOf(fd: number): number {
    return Atomics.load(this.#words, fd * WORDS_PER_CONNECTION + STATE)
  }

  threadOf(fd: number): number {
    return this.#words[fd * WORDS_PER_CONNECTION + THREAD]
  }

  listenerOf(fd: number): number {
    return this.#words[fd * WORDS_PER_CONNECTION + LISTENER]
  }

  lastActive(fd: number): number {
    return this.#words[fd * WORDS_PER_CONNECTION + LAST_ACTIVE]
  }
}

export function stateName(state: number): string {
  return STATE_NAMES[state]
}

/** What a connection waits for that has no answer to send. */
export function activityOf(connection: Connection): number {
  switch (connection.state) {
    case VALUE:
    case BINARY_VALUE:
      return READING_VALUE
    case SWALLOW:
      return SWALLOWING
    case WATCHING:
      return WATCHED
    default:
      return READING
  }
}
