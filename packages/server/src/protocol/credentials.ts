// Users and passwords of `-Y` in shared memory, which the main thread may replace while clients log in. To be
// read and written under the cache's lock. Knows neither the file they come from nor the protocol.
import type { MemoryBlock } from '../cache/memory.ts'

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
const COUNT_BYTES = 4

export class Credentials {
  readonly buffer: SharedArrayBuffer
  readonly #bytes: Uint8Array

  /** `buffer` is another thread's, to share its credentials. */
  constructor(buffer = new SharedArrayBuffer(COUNT_BYTES + MAX_CREDENTIALS * ENTRY_BYTES)) {
    this.buffer = buffer
    this.#bytes = new Uint8Array(buffer)
  }

  /** Replaces all. */
  set(credentials: readonly Credential[]): void {
    const bytes = this.#bytes
    bytes.fill(0)
    bytes[0] = credentials.length
    credentials.forEach(({ user, password }, i) => {
      const at = COUNT_BYTES + i * ENTRY_BYTES
      bytes[at] = user.length
      bytes[at + 1] = password.length
      bytes.set(user, at + LENGTHS_BYTES)
      bytes.set(password, at + LENGTHS_BYTES + user.length)
    })
  }

  /** Whether `from`..`space` of a block is a user whose password is what follows the space up to `end`. */
  match(block: MemoryBlock, from: number, space: number, end: number): boolean {
    const user = block.bytes.subarray(from, space)
    const password = block.bytes.subarray(space + 1, end)
    for (let i = 0; i < this.#bytes[0]; i++) {
      const at = COUNT_BYTES + i * ENTRY_BYTES
      if (this.#bytes[at] !== user.length || this.#bytes[at + 1] !== password.length) continue
      const known = at + LENGTHS_BYTES
      // Both in any case, so that the time it takes tells nothing.
      const sameUser = this.#same(known, user)
      const samePassword = this.#same(known + user.length, password)
      if (sameUser && samePassword) return true
    }
    return false
  }

  #same(at: number, bytes: Uint8Array): boolean {
    let difference = 0
    for (let i = 0; i < bytes.length; i++) difference |= this.#bytes[at + i] ^ bytes[i]
    return difference === 0
  }
}
