// What was asked over one connection in the present batch, in order, and how far the answers have come. A request
// has one entry, or, a get of several keys, one for each. Columns of numbers that are used again for every batch.
// Knows no bytes but the places of keys in the output, with which answers are compared.
import type { RequestKind } from './request-kinds.ts'

/** Most connections have one request at a time. */
const FIRST_ROOM = 4

export class PendingRequests {
  /** Requests that have been made. */
  count = 0
  /** Of these, how many have been answered: the number of the one whose answer is due. */
  answered = 0
  /** Keys asked for, or changed, in all requests. */
  entries = 0
  /** The first entry of the request whose answer is due. */
  dueEntry = 0
  /** Its first entry of which nothing has come yet. */
  nextEntry = 0

  /** By request. */
  kind = new Uint8Array(FIRST_ROOM)
  /** Where its entries end, and those of the next one begin. */
  #entriesEnd = new Int32Array(FIRST_ROOM)

  /** By entry. */
  key = new Int32Array(FIRST_ROOM)
  /** The key's text is `output[keyStart .. keyEnd)`. */
  keyStart = new Int32Array(FIRST_ROOM)
  keyEnd = new Int32Array(FIRST_ROOM)
  valueBytes = new Int32Array(FIRST_ROOM)
  ttl = new Int32Array(FIRST_ROOM)
  /** For a get that is verified, the oldest version that it may find: of 32 bits, where all others fit into 31. */
  floor = new Uint32Array(FIRST_ROOM)

  get outstanding(): number {
    return this.count - this.answered
  }

  /** The kind of the request whose answer is due. */
  get dueKind(): RequestKind {
    return this.kind[this.answered]!
  }

  /** Its entries are those from `dueEntry` up to this one. */
  get dueEntriesEnd(): number {
    return this.#entriesEnd[this.answered]!
  }

  clear(): void {
    this.count = 0
    this.answered = 0
    this.entries = 0
    this.dueEntry = 0
    this.nextEntry = 0
  }

  /** A new request; its entries are those added next. */
  addRequest(kind: RequestKind): void {
    if (this.count === this.kind.length) {
      this.kind = doubled(this.kind, new Uint8Array(this.count * 2))
      this.#entriesEnd = doubled(this.#entriesEnd, new Int32Array(this.count * 2))
    }
    this.kind[this.count++] = kind
  }

  addEntry(
    key: number,
    keyStart: number,
    keyEnd: number,
    valueBytes: number,
    ttl: number,
    floor: number,
  ): void {
    if (this.entries === this.key.length) this.#makeRoomForEntries()
    const entry = this.entries++
    this.key[entry] = key
    this.keyStart[entry] = keyStart
    this.keyEnd[entry] = keyEnd
    this.valueBytes[entry] = valueBytes
    this.ttl[entry] = ttl
    this.floor[entry] = floor
    this.#entriesEnd[this.count - 1] = this.entries
  }

  /** The answer is complete: the next request's is due. */
  endAnswer(): void {
    const end = this.dueEntriesEnd
    this.dueEntry = end
    this.nextEntry = end
    this.answered++
  }

  #makeRoomForEntries(): void {
    const room = this.entries * 2
    this.key = doubled(this.key, new Int32Array(room))
    this.keyStart = doubled(this.keyStart, new Int32Array(room))
    this.keyEnd = doubled(this.keyEnd, new Int32Array(room))
    this.valueBytes = doubled(this.valueBytes, new Int32Array(room))
    this.ttl = doubled(this.ttl, new Int32Array(room))
    this.floor = doubled(this.floor, new Uint32Array(room))
  }
}

function doubled<Column extends Uint8Array | Int32Array | Uint32Array>(
  column: Column,
  larger: Column,
): Column {
  larger.set(column)
  return larger
}
