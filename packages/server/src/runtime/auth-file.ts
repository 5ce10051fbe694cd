// Reads the file of `-Y`: a `user:password` on each line, as memcached does. Knows its format and memcached's
// words for what is wrong with it.
import { readFileSync } from 'node:fs'
import { type Credential, MAX_CREDENTIAL_BYTES, MAX_CREDENTIALS } from '../protocol/credentials.ts'

/** The file can't be used; the message says why. */
export class AuthFileError extends Error {
  readonly code = 'ERR_MEMSHARD_AUTH_FILE'
}

const LF = 10
const CR = 13
const COLON = 58

export interface AuthFile {
  /** At most eight; who comes later is not let in. */
  readonly credentials: readonly Credential[]
  /** Whether there were more. */
  readonly truncated: boolean
}

/** @throws AuthFileError if it can't be read, or has a line that is not as it should be. */
export function readAuthFile(path: string): AuthFile {
  const credentials: Credential[] = []
  let rest: Uint8Array = readBytes(path)
  while (rest.length > 0) {
    if (credentials.length === MAX_CREDENTIALS) return { credentials, truncated: true }
    const end = rest.indexOf(LF)
    const line = end < 0 ? rest : rest.subarray(0, end)
    credentials.push(parseLine(path, line))
    rest = end < 0 ? rest.subarray(rest.length) : rest.subarray(end + 1)
  }
  return { credentials, truncated: false }
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AuthFileError(`Could not open authfile [${path}] for reading, error ${why}`)
  }
}

function parseLine(path: string, line: Uint8Array): Credential {
  const colon = line.indexOf(COLON)
  // The line's end counts too. memcached would cut off what is over, and let in half a password.
  if (colon < 0 || line.length >= MAX_CREDENTIAL_BYTES) {
    throw new AuthFileError(
      `Authfile [${path}] has a malformed entry. Should be 'user:password', in less than ${MAX_CREDENTIAL_BYTES} bytes`,
    )
  }
  const carriageReturn = line.indexOf(CR, colon)
  const end = carriageReturn < 0 ? line.length : carriageReturn
  return { user: line.slice(0, colon), password: line.slice(colon + 1, end) }
}
