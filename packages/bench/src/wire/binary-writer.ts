// Requests of memcached's binary protocol. Each says in its `opaque` which entry it is for, and the answer says so
// too; a get of several keys is so many quiet gets, and a no-op whose answer tells that all have been answered.
import { APPEND, GET, INCR, TOUCH } from '../workload/operation.ts'
import { GETKQ, HEADER_BYTES, NOOP, opcodeOf, REQUEST_MAGIC } from './binary-packets.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { type RequestKind, stores } from './request-kinds.ts'
import type { RequestWriter } from './request-writer.ts'

const FLAGS_AND_EXPIRY_BYTES = 8
const EXPIRY_BYTES = 4
/** By how much to count, with what to begin, and for how long: 8, 8 and 4 bytes. */
const COUNTING_BYTES = 20

export class BinaryWriter implements RequestWriter {
  readonly #output: RequestBuffer

  constructor(output: RequestBuffer) {
    this.#output = output
  }

  write(
    kind: RequestKind,
    key: number,
    valueBytes: number,
    ttl: number,
    version: number,
    entry: number,
  ): void {
    const output = this.#output
    const start = output.length
    const extras = this.#putExtras(start + HEADER_BYTES, kind, ttl)
    let at = output.putKey(start + HEADER_BYTES + extras, kind, key)
    if (stores(kind)) at = output.putValue(at, kind, key, version, valueBytes)
    output.length = at
    this.#putHeader(start, opcodeOf(kind), extras, output.keyEnd - output.keyStart, entry)
  }

  beginGet(): void {}

  getKey(key: number, entry: number): void {
    const output = this.#output
    const start = output.length
    output.length = output.putKey(start + HEADER_BYTES, GET, key)
    this.#putHeader(start, GETKQ, 0, output.keyEnd - output.keyStart, entry)
  }

  endGet(entry: number): void {
    const start = this.#output.length
    this.#output.length = start + HEADER_BYTES
    this.#putHeader(start, NOOP, 0, 0, entry)
  }

  /** Returns how many bytes they are. */
  #putExtras(at: number, kind: RequestKind, ttl: number): number {
    const { view } = this.#output
    if (stores(kind) && kind !== APPEND) {
      view.setUint32(at, 0)
      view.setUint32(at + 4, ttl)
      return FLAGS_AND_EXPIRY_BYTES
    }
    if (kind === TOUCH) {
      view.setUint32(at, ttl)
      return EXPIRY_BYTES
    }
    if (kind === INCR) {
      view.setUint32(at, 0)
      view.setUint32(at + 4, 1)
      view.setUint32(at + 8, 0)
      view.setUint32(at + 12, 1)
      view.setUint32(at + 16, ttl)
      return COUNTING_BYTES
    }
    return 0
  }

  /** Of the request that begins there and ends where the output does. */
  #putHeader(at: number, opcode: number, extras: number, keyBytes: number, entry: number): void {
    const { view, length } = this.#output
    view.setUint8(at, REQUEST_MAGIC)
    view.setUint8(at + 1, opcode)
    view.setUint16(at + 2, keyBytes)
    view.setUint32(at + 4, extras << 24)
    view.setUint32(at + 8, length - at - HEADER_BYTES)
    view.setUint32(at + 12, entry)
    view.setUint32(at + 16, 0)
    view.setUint32(at + 20, 0)
  }
}
