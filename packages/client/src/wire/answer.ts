// One answer of a node, as the parser fills it in: the status, the flags of its line, and where its
// value lies. One object serves every answer of a connection, so whoever reads it keeps nothing of it.
import type { RawValue } from '../codec/codec.ts'

/** Two-letter statuses are their two ASCII bytes; the words of the classic protocol come after them. */
export const Status = {
  /** `VA <size> <flags>*`: a value follows. */
  value: 0x5641,
  /** `HD`: done. */
  done: 0x4844,
  /** `EN`: a miss. */
  miss: 0x454e,
  /** `NF`: there is no such item to change. */
  notFound: 0x4e46,
  /** `NS`: not stored. */
  notStored: 0x4e53,
  /** `EX`: the item has another cas token. */
  exists: 0x4558,
  ok: 0x4f4b,
  version: 0x10001,
  stat: 0x10002,
  end: 0x10003,
  reset: 0x10004,
  /** `STORED`, which only a login is answered with. */
  stored: 0x10005,
  /** A classic line that says the thing was done: `DELETED`, `TOUCHED`, a number. Told of relayed answers alone. */
  positive: 1,
  /** Or that it was not: `NOT_STORED`, `NOT_FOUND`, `EXISTS`. */
  negative: 2,
  /** `ERROR`, with or without more words: the command is not known. */
  error: 0x10006,
  clientError: 0x10007,
  serverError: 0x10008,
} as const

/** What a node says of an item without being asked: bits of `Answer.marks`. */
export const Mark = {
  /** `W`: whoever gets this answer is the one to make the value anew. */
  won: 1,
  /** `X`: the item was invalidated, or stored over a newer one. */
  stale: 2,
  /** `Z`: somebody else has won it already. */
  taken: 4,
} as const

export class Answer implements RawValue {
  status = 0
  /** The item's client flags (`f`). */
  flags = 0
  /** The item's cas token (`c`), as the node wrote it. */
  cas = ''
  /** Seconds left to live (`t`); -1: for ever. */
  ttl = -1
  /** Seconds since the last access (`l`). */
  idle = 0
  /** Whether it was fetched since it was stored (`h`). */
  fetched = false
  /** Bytes of the item's value (`s`), whether or not it follows. */
  itemSize = 0
  /** Bits of `Mark`; of every answer with flags. */
  marks = 0
  /** Flags of the answer that are none of these, as `Oabc kfoo b`. */
  others = ''
  /** The whole line without its end, for statuses above 0xffff. */
  line = ''
  /** Bytes of the value; 0 when there is none. */
  size = 0
  #source: Buffer | undefined
  #start = 0
  #owned = false

  /** The value is `source[start..start + size)`; `owned` when nobody else will write to `source`. */
  place(source: Buffer, start: number, owned: boolean): void {
    this.#source = source
    this.#start = start
    this.#owned = owned
  }

  /** Lets go of the value. */
  release(): void {
    this.#source = undefined
  }

  /** Where the value lies. */
  get source(): Buffer | undefined {
    return this.#source
  }

  get start(): number {
    return this.#start
  }

  /** Nobody else will write to `source`. */
  get owned(): boolean {
    return this.#owned
  }

  text(): string {
    return this.#source?.toString('utf8', this.#start, this.#start + this.size) ?? ''
  }

  bytes(): Buffer {
    if (this.#source === undefined) return Buffer.alloc(0)
    const view = this.#source.subarray(this.#start, this.#start + this.size)
    return this.#owned ? view : Buffer.from(view)
  }
}
