// Requests of memcached's meta protocol: `mg`, `ms`, `md`, `ma`; a get of several keys is so many quiet `mg`,
// which say nothing where there is no value, and an `mn`, whose answer tells that all have been answered.
import { APPEND, DELETE, GET, INCR, TOUCH } from '../workload/operation.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { ADD_COUNTER, type RequestKind } from './request-kinds.ts'
import { latin1, putDecimal, putText } from './request-text.ts'
import type { RequestWriter } from './request-writer.ts'

/** By kind of request. */
const VERBS = 'mg ,ms ,md ,ma ,ms ,mg ,ms ,ms '.split(',').map(latin1)
const VALUE = latin1(' v\r\n')
/** Without its key a value could not be told from that of the next one. */
const KEY_AND_VALUE_QUIETLY = latin1(' k v q\r\n')
const NO_MORE = latin1('mn\r\n')
const SPACE = latin1(' ')
const LINE_END = latin1('\r\n')
const TIME_TO_LIVE = latin1(' T')
const CREATE_WITH_TIME_TO_LIVE = latin1(' N')
const FROM_ONE = latin1(' J1\r\n')
const AS_APPEND = latin1(' MA')
const AS_ADD = latin1(' ME')

export class MetaWriter implements RequestWriter {
  readonly #output: RequestBuffer

  constructor(output: RequestBuffer) {
    this.#output = output
  }

  write(kind: RequestKind, key: number, valueBytes: number, ttl: number, version: number): void {
    const output = this.#output
    const { bytes } = output
    let at = putText(bytes, output.length, VERBS[kind]!)
    at = output.putKey(at, kind, key)
    if (kind === GET) {
      at = putText(bytes, at, VALUE)
    } else if (kind === DELETE) {
      at = putText(bytes, at, LINE_END)
    } else if (kind === INCR) {
      at = putText(bytes, at, CREATE_WITH_TIME_TO_LIVE)
      at = putDecimal(bytes, at, ttl)
      at = putText(bytes, at, FROM_ONE)
    } else if (kind === TOUCH) {
      at = putText(bytes, at, TIME_TO_LIVE)
      at = putDecimal(bytes, at, ttl)
      at = putText(bytes, at, LINE_END)
    } else {
      at = putText(bytes, at, SPACE)
      at = putDecimal(bytes, at, valueBytes)
      if (kind === APPEND) at = putText(bytes, at, AS_APPEND)
      else if (kind === ADD_COUNTER) at = putText(bytes, at, AS_ADD)
      if (ttl > 0) {
        at = putText(bytes, at, TIME_TO_LIVE)
        at = putDecimal(bytes, at, ttl)
      }
      at = putText(bytes, at, LINE_END)
      at = output.putValue(at, kind, key, version, valueBytes)
      at = putText(bytes, at, LINE_END)
    }
    output.length = at
  }

  beginGet(): void {}

  getKey(key: number): void {
    const output = this.#output
    const { bytes } = output
    const at = putText(bytes, output.length, VERBS[GET]!)
    output.length = putText(bytes, output.putKey(at, GET, key), KEY_AND_VALUE_QUIETLY)
  }

  endGet(): void {
    const output = this.#output
    output.length = putText(output.bytes, output.length, NO_MORE)
  }
}
