// Every way a call can fail, each with a stable `code`, so that callers can tell a wrong key from a
// dead node. A miss is not among them: it is a value. Knows nothing of how the failures come about.

export type ErrorCode =
  | 'ERR_MEMSHARD_ARGUMENT'
  | 'ERR_MEMSHARD_AUTH'
  | 'ERR_MEMSHARD_CLOSED'
  | 'ERR_MEMSHARD_CODEC'
  | 'ERR_MEMSHARD_CONNECTION'
  | 'ERR_MEMSHARD_DISCOVERY'
  | 'ERR_MEMSHARD_KEY'
  | 'ERR_MEMSHARD_LOCKED'
  | 'ERR_MEMSHARD_LOCK_LOST'
  | 'ERR_MEMSHARD_NODE_DOWN'
  | 'ERR_MEMSHARD_OVERLOAD'
  | 'ERR_MEMSHARD_PARTIAL'
  | 'ERR_MEMSHARD_PROTOCOL'
  | 'ERR_MEMSHARD_SERVER'
  | 'ERR_MEMSHARD_TIMEOUT'

export interface ErrorDetails {
  /** The name of the node concerned. */
  readonly node?: string | undefined
  readonly key?: string | undefined
  readonly cause?: unknown
}

/** What all of them are. `code` never changes; messages may. */
export class MemshardError extends Error {
  readonly code: ErrorCode
  /** The name of the node concerned, if there is one. */
  readonly node: string | undefined
  /** The key concerned, as it was sent, if there is one. */
  readonly key: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.node = details.node
    this.key = details.key
  }
}

/** An option or argument makes no sense; the message says which and what is accepted. */
export class ArgumentError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_ARGUMENT', message, details)
  }
}

/** The node asks for a login, or refused this one. It is ejected at once, and its probes try again. */
export class AuthError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_AUTH', message, details)
  }
}

/** The client was closed before or while the call was made. */
export class ClosedError extends MemshardError {
  constructor(details?: ErrorDetails) {
    super('ERR_MEMSHARD_CLOSED', 'the client is closed: make a new one to go on', details)
  }
}

/** A value could not be turned into bytes, or bytes with these flags into a value. */
export class CodecError extends MemshardError {
  /** The item's flags, when the failure was in decoding. */
  readonly flags: number | undefined

  constructor(message: string, details?: ErrorDetails & { readonly flags?: number }) {
    super('ERR_MEMSHARD_CODEC', message, details)
    this.flags = details?.flags
  }
}

/** The connection was refused, reset, closed or silent; the command may or may not have been carried out. */
export class ConnectionError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_CONNECTION', message, details)
  }
}

/** A discovery found no nodes this time; those that were known before stay in use. */
export class DiscoveryError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_DISCOVERY', message, details)
  }
}

/** The key cannot be sent to memcached. Nothing was written. */
export class KeyError extends MemshardError {
  constructor(message: string, key: string | undefined) {
    super('ERR_MEMSHARD_KEY', message, { key })
  }
}

/** Somebody else had the lock for as long as this caller would wait. */
export class LockedError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_LOCKED', message, details)
  }
}

/** A lock is not held any more, or it isn't known whether it is; somebody else may have it. */
export class LockLostError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_LOCK_LOST', message, details)
  }
}

/** The node is ejected and being probed; the call failed at once instead of waiting for it. `cause` is why. */
export class NodeDownError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_NODE_DOWN', message, details)
  }
}

/** Too much waits for this node already. Nothing was written. */
export class OverloadError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_OVERLOAD', message, details)
  }
}

/**
 * Some keys or nodes of one call failed and others did not.
 * `values` has what was found, `failed` the error of each key (or node) that failed.
 */
export class PartialError<T = unknown, K = string> extends MemshardError {
  readonly values: ReadonlyMap<K, T>
  readonly failed: ReadonlyMap<K, Error>

  constructor(values: ReadonlyMap<K, T>, failed: ReadonlyMap<K, Error>, asked: number) {
    const [first] = failed.values()
    super(
      'ERR_MEMSHARD_PARTIAL',
      `${failed.size} of ${asked} failed (.failed says how, .values has the others), first: ${first?.message}`,
      { cause: first },
    )
    this.values = values
    this.failed = failed
  }
}

/** The node answered something that cannot be the answer; its connection was closed. */
export class ProtocolError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_PROTOCOL', message, details)
  }
}

/** The node refused this command (`SERVER_ERROR`, `CLIENT_ERROR`). It is otherwise well. */
export class ServerError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_SERVER', message, details)
  }
}

/** No answer before the call's deadline; the command may still be carried out. */
export class TimeoutError extends MemshardError {
  constructor(message: string, details?: ErrorDetails) {
    super('ERR_MEMSHARD_TIMEOUT', message, details)
  }
}
