// Users and passwords of `-Y` in shared memory, which the main thread may replace while clients log in. To be
// read and written under the cache's lock. Knows neither the file they come from nor the protocol.
import type { MemoryBlock } from '../cache/memory.ts'
import { timingSafeEqual } from './timing-safe.ts'

/** memcached's: it is not meant for many. */
export const MAX_CREDENTIALS = 8
/** Of user and password together, with what divides them and the line's end. */
export const MAX_CREDENTIAL_BYTES = 256

export interface Credential {
  readonly user: Uint8Array
  readonly password: Uint8Array
}

const LENGTHS_BYTES = 4
const ENTRY_BYTES = LENGTHS_BYTES + MAX_CREDENTIAL_BYTES
const FREE = 0xff

export class Credentials {
  readonly buffer: SharedArrayBuffer
  readonly #bytes: Uint8Array
  readonly #attempt = new Uint8Array(ENTRY_BYTES)

  /** `buffer` is another thread's, to share its credentials. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(MAX_CREDENTIALS * ENTRY_BYTES)
    this.#bytes = new Uint8Array(this.buffer)
    if (buffer === undefined) this.set([])
  }

  /** Replaces all. */
  set(credentials: readonly Credential[]): void {
    const bytes = this.#bytes
    // No attempt looks like an entry that is free.
    bytes.fill(FREE)
    credentials.forEach(({ user, password }, i) => {
      writeEntry(bytes.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES), user, password)
    })
  }

  /**
   * Whether `from`..`space` of a block is a user whose password is what follows the space up to `end`. How long that
   * takes tells nothing of who is known: an attempt is held against all of every entry, its length included.
   */
  match(block: MemoryBlock, from: number, space: number, end: number): boolean {
    const user = block.bytes.subarray(from, space)
    const password = block.bytes.subarray(space + 1, end)
    const fits = user.length + password.length <= MAX_CREDENTIAL_BYTES
    if (fits) writeEntry(this.#attempt, user, password)
    else this.#attempt.fill(0)
    let matches = 0
    for (let i = 0; i < MAX_CREDENTIALS; i++) {
      const entry = this.#bytes.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES)
      matches += timingSafeEqual(entry, this.#attempt) ? 1 : 0
    }
    this.#attempt.fill(0)
    return fits && matches > 0
  }
}

/** Both, padded with zeros, after their lengths. */
function writeEntry(entry: Uint8Array, user: Uint8Array, password: Uint8Array): void {
  entry.fill(0)
  entry[0] = user.length
  entry[1] = user.length >> 8
  entry[2] = password.length
  entry[3] = password.length >> 8
  entry.set(user, LENGTHS_BYTES)
  entry.set(password, LENGTHS_BYTES + user.length)
}
