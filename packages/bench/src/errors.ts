// The errors a person who runs the bench can meet, each with a stable code.
// Knows nothing of what raised them; the message always says what to do next.

export type BenchErrorCode =
  /** The flags contradict each other or name something that does not exist. */
  | 'USAGE'
  /** Nothing answers at the address of `--server`. */
  | 'CANNOT_CONNECT'
  /** The server refused to store the keys that the run would read. */
  | 'CANNOT_FILL'
  /** A server that `--compare` starts is missing, or ended before it served. */
  | 'CANNOT_START'
  /** The CPU time of the process given with `--pid` cannot be read. */
  | 'NO_CPU_TIME'
  /** A client that `clients` measures did not give back what was stored. */
  | 'WRONG_ANSWER'
  /** It rejected a call, or its process ended. */
  | 'CLIENT_FAILED'
  /** A trace is missing, damaged, or no trace that we know. */
  | 'BAD_TRACE'
  /** `--driver epoll` was asked for where it cannot run. */
  | 'NO_EPOLL'

export class BenchError extends Error {
  readonly code: BenchErrorCode

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BenchError'
    this.code = code
  }
}
