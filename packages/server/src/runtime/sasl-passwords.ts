// `MEMCACHED_SASL_PWDB`: the file that says who may log in under `-S`, in the format of memcached's
// sasl_defs.c: `<user>@<realm>:<password>` on a line, and after a further colon whatever one likes. Knows
// names and passwords, nothing of the protocol.
import { readFileSync } from 'node:fs'
import type { Login } from '../protocol/context.ts'
import { timingSafeEqual } from '../protocol/timing-safe.ts'

/** memcached reads lines in pieces of this many bytes. */
const LINE_BYTES = 255
/** User, realm and password together. */
const MAX_CREDENTIAL_BYTES = 252

const BLANKS_AROUND = /^[ \t-\r]+|[ \t-\r]+$/g

export class SaslPasswords {
  readonly #path: string
  readonly #realm: string

  /** `realm` is that of users who name none: the machine's name. */
  constructor(path: string, realm: string) {
    this.#path = path
    this.#realm = realm
  }

  /** Whether the login is good. The file is read each time, so what is written to it holds at once. */
  accepts({ authorization, user, password }: Login): boolean {
    const name = this.#canonical(user)
    if (name === undefined) return false
    // Nobody acts for somebody else.
    if (authorization !== '' && this.#canonical(authorization) !== name) return false
    if (name.length + password.length > MAX_CREDENTIAL_BYTES) return false
    // All lines are looked at, and a password is compared whether there is such a user or not: how long it takes does
    // not tell who is known.
    let known: string | undefined
    for (const line of linesOf(this.#path)) {
      if (line.startsWith(`${name}:`)) known ??= line.slice(name.length + 1)
    }
    return hasPassword(known ?? NOBODYS, password) && known !== undefined
  }

  /** As the Cyrus library has it: blanks around a name don't count, and everybody has a realm. */
  #canonical(user: string): string | undefined {
    const name = user.replace(BLANKS_AROUND, '')
    if (name === '') return undefined
    return name.includes('@') ? name : `${name}@${this.#realm}`
  }
}

/** What the password of a user who is not there is held against. */
const NOBODYS = 'x'.repeat(MAX_CREDENTIAL_BYTES)

/** Passwords end with the line or a colon, and so may contain colons too. */
function hasPassword(text: string, password: string): boolean {
  const same = timingSafeEqual(padded(text.slice(0, password.length)), padded(password))
  return /^(?:[:\r\n]|$)/.test(text.slice(password.length)) && same
}

/** As many bytes as any password may have, and its length. */
function padded(text: string): Buffer {
  const bytes = Buffer.alloc(MAX_CREDENTIAL_BYTES + 1)
  bytes.write(text, 'latin1')
  bytes[MAX_CREDENTIAL_BYTES] = text.length
  return bytes
}

/** The lines, their ends included; none if the file can't be read. */
function linesOf(path: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    return []
  }
  const lines: string[] = []
  for (let at = 0; at < text.length; ) {
    const lineEnd = text.indexOf('\n', at) + 1 || text.length
    const end = Math.min(lineEnd, at + LINE_BYTES)
    lines.push(text.slice(at, end))
    at = end
  }
  return lines
}
