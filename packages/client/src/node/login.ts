// The first command of a connection to a node that asks for a login: of the text protocol (memcached's `-Y`), where it
// looks like a `set`, or SASL's PLAIN (`-S`). Knows its bytes and its answer; the connection decides when.
import { ArgumentError, AuthError } from '../errors.ts'
import { type Answer, Status } from '../wire/answer.ts'
import { loginPacket } from '../wire/binary-commands.ts'

/** As the node's authfile, or its SASL database, has them. */
export interface Credentials {
  /** 1 to 250 bytes of UTF-8; for an authfile without spaces, control characters and colons. */
  readonly username: string
  /** 1 to 250 bytes of UTF-8; for an authfile without spaces and control characters. */
  readonly password: string
}

/** The bytes to send. @throws ArgumentError when no node could know such credentials. */
export function loginCommand(credentials: Credentials, binary: boolean): Uint8Array {
  const { username, password } = credentials
  if (binary) {
    check('auth.username', username, /^[^\0]+$/)
    check('auth.password', password, /^[^\0]+$/)
    return loginPacket(username, password)
  }
  check('auth.username', username, /^[^\s:\p{Cc}]+$/u)
  check('auth.password', password, /^[^\s\p{Cc}]+$/u)
  const token = `${username} ${password}`
  // The key, the flags and the time to live mean nothing here; but a node that asks for no login would
  // store this: so that it doesn't keep it, it has expired already.
  return Buffer.from(`set login 0 -1 ${Buffer.byteLength(token)}\r\n${token}\r\n`)
}

export function isLoggedIn(answer: Answer): boolean {
  return answer.status === Status.stored
}

/** The node says that it serves only those who have logged in, or that the login was wrong. */
export function isUnauthenticated(answer: Answer): boolean {
  return (
    answer.status === Status.clientError &&
    / (unauthenticated|authentication failure|bad authentication)\b/.test(answer.line)
  )
}

export function loginRefused(node: string, line: string): AuthError {
  return new AuthError(
    `${node} refused the login (${line}): compare auth with the node's passwords`,
    { node },
  )
}

export function loginMissing(node: string, line: string): AuthError {
  return new AuthError(`${node} asks for a login (${line}): set auth`, { node })
}

// Said without the value: it is a secret.
function check(name: string, value: string, form: RegExp): void {
  if (typeof value === 'string' && form.test(value) && Buffer.byteLength(value) <= 250) return
  throw new ArgumentError(`${name} must be 1 to 250 bytes without spaces and control characters`)
}
