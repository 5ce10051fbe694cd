// Takes a run of answers apart, one after the other, as the requests were sent. Knows the shapes of
// answers, no socket and not what was asked.

export interface Value {
  readonly key: string
  readonly flags: number
  readonly data: Buffer
  /** As `gets` tells it. */
  readonly cas: bigint | undefined
}

export class Replies {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Whether all has been taken. */
  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The next line, without its end. */
  line(): string {
    const end = this.#bytes.indexOf('\r\n', this.#at, 'latin1')
    if (end < 0) throw new Error(`no whole line left at ${this.#at} of ${this.#bytes.length}`)
    const line = this.#bytes.toString('latin1', this.#at, end)
    this.#at = end + 2
    return line
  }

  /** The answer to a get or gets of any number of keys. */
  values(): Value[] {
    const values: Value[] = []
    for (;;) {
      const line = this.line()
      if (line === 'END') return values
      const match = /^VALUE (\S+) (\d+) (\d+)(?: (\d+))?$/.exec(line)
      if (match === null) throw new Error(`neither VALUE nor END: ${line.slice(0, 200)}`)
      const [, key = '', flags, length, cas] = match
      const end = this.#at + Number(length)
      const data = this.#bytes.subarray(this.#at, end)
      if (this.#bytes.toString('latin1', end, end + 2) !== '\r\n') {
        throw new Error(`the value of ${key} does not end where its length says`)
      }
      this.#at = end + 2
      values.push({
        key,
        flags: Number(flags),
        data,
        cas: cas === undefined ? undefined : BigInt(cas),
      })
    }
  }
}
