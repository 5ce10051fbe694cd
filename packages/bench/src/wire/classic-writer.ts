// Requests of memcached's classic text protocol: `get`, `set`, and so on.
import { DELETE, GET, INCR, TOUCH } from '../workload/operation.ts'
import type { RequestBuffer } from './request-buffer.ts'
import type { RequestKind } from './request-kinds.ts'
import { latin1, putDecimal, putText } from './request-text.ts'
import type { RequestWriter } from './request-writer.ts'

/** By kind of request. */
const VERBS = 'get ,set ,delete ,incr ,append ,touch ,set ,add '.split(',').map(latin1)
const GET_KEYS = latin1('get')
const SPACE = latin1(' ')
const LINE_END = latin1('\r\n')
const BY_ONE = latin1(' 1\r\n')
const NO_FLAGS = latin1(' 0 ')
const NO_FLAGS_FOR_EVER = latin1(' 0 0 ')

export class ClassicWriter implements RequestWriter {
  readonly #output: RequestBuffer

  constructor(output: RequestBuffer) {
    this.#output = output
  }

  write(kind: RequestKind, key: number, valueBytes: number, ttl: number, version: number): void {
    const output = this.#output
    const { bytes } = output
    let at = putText(bytes, output.length, VERBS[kind]!)
    at = output.putKey(at, kind, key)
    if (kind === GET || kind === DELETE) {
      at = putText(bytes, at, LINE_END)
    } else if (kind === INCR) {
      at = putText(bytes, at, BY_ONE)
    } else if (kind === TOUCH) {
      at = putText(bytes, at, SPACE)
      at = putDecimal(bytes, at, ttl)
      at = putText(bytes, at, LINE_END)
    } else {
      if (ttl === 0) {
        at = putText(bytes, at, NO_FLAGS_FOR_EVER)
      } else {
        at = putText(bytes, at, NO_FLAGS)
        at = putDecimal(bytes, at, ttl)
        at = putText(bytes, at, SPACE)
      }
      at = putDecimal(bytes, at, valueBytes)
      at = putText(bytes, at, LINE_END)
      at = output.putValue(at, kind, key, version, valueBytes)
      at = putText(bytes, at, LINE_END)
    }
    output.length = at
  }

  beginGet(): void {
    const output = this.#output
    output.length = putText(output.bytes, output.length, GET_KEYS)
  }

  getKey(key: number): void {
    const output = this.#output
    const at = putText(output.bytes, output.length, SPACE)
    output.length = output.putKey(at, GET, key)
  }

  endGet(): void {
    const output = this.#output
    output.length = putText(output.bytes, output.length, LINE_END)
  }
}
