// Who may give commands (`-Y`): read at the start, and again when the operator says so, while clients log in.
// Knows the file and the credentials that all threads share.
import type { Cache } from '../cache/cache.ts'
import { Credentials, MAX_CREDENTIALS } from '../protocol/credentials.ts'
import { AuthFileError, readAuthFile } from './auth-file.ts'
import type { Log } from './log.ts'
import { secretFileWarning } from './secret-files.ts'

export class Users {
  readonly credentials = new Credentials()
  readonly #path: string
  readonly #cache: Cache
  readonly #log: Log

  /** @throws AuthFileError if the file can't be used. */
  constructor(path: string, cache: Cache, log: Log) {
    this.#path = path
    this.#cache = cache
    this.#log = log
    this.#read()
  }

  /** A file that can't be used changes nothing. Who is logged in stays so. */
  reload(): void {
    try {
      this.#read()
    } catch (error) {
      if (!(error instanceof AuthFileError)) throw error
      this.#log.error(error.message)
    }
  }

  #read(): void {
    const { credentials, truncated } = readAuthFile(this.#path)
    const warning = secretFileWarning('the passwords of -Y', this.#path)
    if (warning !== undefined) this.#log.warn(warning)
    if (truncated) {
      this.#log.warn(`Authfile [${this.#path}]: only the first ${MAX_CREDENTIALS} users are let in`)
    }
    this.#cache.lock.acquire()
    this.credentials.set(credentials)
    this.#cache.lock.release()
  }
}
