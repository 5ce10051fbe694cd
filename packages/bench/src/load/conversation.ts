// What the loop of a load needs of its connections, behind two interfaces: a conversation is what goes over
// one connection, a caller has a conversation with each server and shares its requests out among them.
// Knows neither what is asked nor sockets.

export interface Conversation {
  /** What is to be sent is `output[unsentFrom .. unsentTo)`. The buffer may be another one after `Caller.begin`. */
  readonly output: Uint8Array
  unsentFrom: number
  readonly unsentTo: number
  /** Requests that have been made and not answered. */
  readonly outstanding: number
  /** Requests that were answered since it was last set to zeros, by kind of operation (workload/operation.ts). */
  readonly answered: Uint32Array
  /** Set once the stream is no answer to what was asked: nothing after this can be understood. */
  readonly broken: string | undefined
  /** Takes the next `length` bytes; returns how many requests they complete, which it also adds to `answered`. */
  read(bytes: Uint8Array, length: number): number
}

export interface Caller {
  /** In the order of the servers. */
  readonly conversations: readonly Conversation[]
  /**
   * Makes the next requests, at most `count`, ready to be sent by its conversations. Called when none is
   * outstanding. Returns how many it made: 0 when there is nothing left to ask.
   */
  begin(count: number): number
}
