// What the proxy itself tells its clients: memcached's sentences for the same, byte for byte.

export const CRLF = '\r\n'
export const OK = 'OK\r\n'
export const END = 'END\r\n'
export const RESET = 'RESET\r\n'
export const MISS = 'EN'
export const NOOP = 'MN\r\n'
export const ERROR = 'ERROR\r\n'
export const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n'
export const BAD_CHUNK = 'CLIENT_ERROR bad data chunk\r\n'
export const INVALID_DELTA = 'CLIENT_ERROR invalid numeric delta argument\r\n'
export const INVALID_EXPTIME = 'CLIENT_ERROR invalid exptime argument\r\n'
export const DUPLICATE_FLAG = 'CLIENT_ERROR duplicate flag\r\n'
export const TOO_MANY_FLAGS = 'CLIENT_ERROR options flags are too long\r\n'
export const FLUSH_NOT_ALLOWED = 'CLIENT_ERROR flush_all not allowed\r\n'
export const SHUTDOWN_NOT_ENABLED = 'SERVER_ERROR: shutdown not enabled\r\n'
export const TOO_LARGE = 'SERVER_ERROR object too large for cache\r\n'
export const NO_MEMORY = 'SERVER_ERROR out of memory storing object\r\n'
export const TOO_MANY_CONNECTIONS = 'ERROR Too many open connections\r\n'

/** The protocol that the proxy speaks is that of this memcached; some clients look at the number. */
export const VERSION = 'VERSION 1.6.45\r\n'

/** A reason on one line, whatever it holds. */
export function serverError(reason: string): string {
  return `SERVER_ERROR ${reason.replace(/[\r\n]+/g, ' ').slice(0, 400)}\r\n`
}

/** To a command that changes something. */
export const NODE_DOWN = 'the node of this key is down, nothing was changed'

export const NO_ROUTE = 'no route for this key: give the proxy a default one'
