// Why the server does not start.

/** The server could not be started; the message says why. */
export class StartError extends Error {
  readonly code = 'ERR_MEMSHARD_START'
}
