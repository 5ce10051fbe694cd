// Who may log in to the proxy: names and passwords out of a file with a `user:password` on each line, as that of the
// server's -Y. Knows no protocol.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { ArgumentError } from '../errors.ts'

/** With the colon between them. */
const MAX_CREDENTIAL_BYTES = 256

export class Logins {
  /** Passwords are kept as they can be compared, and as nobody can read them. */
  readonly #secret = randomBytes(32)
  readonly #digests: readonly Buffer[]

  /** @throws ArgumentError for a line that is none, or when there is none. */
  constructor(text: string) {
    const lines = text.split('\n').map((line) => line.replace(/\r.*/s, ''))
    this.#digests = lines.flatMap((line, i) => {
      if (line === '') return []
      const colon = line.indexOf(':')
      if (colon < 1 || Buffer.byteLength(line) > MAX_CREDENTIAL_BYTES) {
        throw new ArgumentError(
          `line ${i + 1} must be user:password, in at most ${MAX_CREDENTIAL_BYTES} bytes`,
        )
      }
      const [user, password] = [line.slice(0, colon), line.slice(colon + 1)]
      return [this.#digest(Buffer.from(user), Buffer.from(password))]
    })
    if (this.#digests.length === 0) throw new ArgumentError('it names nobody: nobody could log in')
  }

  /** How long it takes tells nothing of who is known, nor how much of a password is right. */
  accepts(user: Buffer, password: Buffer): boolean {
    const digest = this.#digest(user, password)
    let matches = 0
    for (const known of this.#digests) matches += timingSafeEqual(known, digest) ? 1 : 0
    return matches > 0
  }

  /** Of both, so that no byte can belong to either. */
  #digest(user: Buffer, password: Buffer): Buffer {
    return createHmac('sha256', this.#secret)
      .update(`${user.length}:`)
      .update(user)
      .update(password)
      .digest()
  }
}
