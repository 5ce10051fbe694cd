// A tape is a workload made into bytes before the clock starts: requests back to back in random
// order, and the pieces that their answers must consist of. Every connection plays the same tape in
// a loop from a place of its own, so sending is one system call on a range of the tape: no request is
// ever encoded under load. Knows the protocol's text; knows no sockets.
import { SyntheticKeys } from './key-space.ts'
import { seededRandom, shuffledDeck } from './random.ts'
import { constantSize } from './sizes.ts'
import type { Workload } from './workload.ts'

export interface Tape {
  readonly workload: Workload
  /** Number of requests, a multiple of the workload's depth so that no batch crosses the end. */
  readonly length: number
  readonly requests: Uint8Array
  /** Request `i` is `requests[requestStart[i] .. requestStart[i + 1])`. */
  readonly requestStart: Uint32Array
  /** How many keys request `i` gets; 0 where it stores, or changes, one. */
  readonly keysAsked: Uint16Array

  /** The answer to request `i` is the pieces from `firstPiece[i]` up to `firstPiece[i + 1]`. */
  readonly firstPiece: Uint32Array
  /** Piece `p` begins with the bytes `literals[literalStart[p] .. literalEnd[p])` ... */
  readonly literals: Uint8Array
  readonly literalStart: Uint32Array
  readonly literalEnd: Uint32Array
  /** ... followed by this many bytes of value with its line end, whose content is not looked at. */
  readonly skip: Uint32Array
}

/** Requests and expected answers of one tape, together, stay below this: it has to fit in memory twice. */
const TAPE_BYTES_MAX = 128 * 1024 * 1024
/** So many requests make every mix of operations come out as asked, even on few keys. */
const REQUESTS_MIN = 4_096
/** A fill is played as several tapes of about this many bytes. */
const FILL_TAPE_BYTES = 16 * 1024 * 1024
/** Enough sets in flight to hide the round trip while filling. */
export const FILL_DEPTH = 64
const SEED = 0x6d656d73

/** The load itself. The same workload always gives the same tape. */
export function recordTape(workload: Workload): Tape {
  const random = seededRandom(SEED)
  const nextKey = shuffledDeck(workload.keys, random)
  const { get: gets = 0, set: sets = 0 } = workload.mix
  const writer = new TapeWriter(workload)
  const wanted = Math.max(REQUESTS_MIN, Math.ceil(workload.keys / workload.keysPerGet))
  do {
    for (let i = 0; i < workload.depth; i++) {
      if (random() * (gets + sets) < gets) {
        writer.get(Array.from({ length: workload.keysPerGet }, nextKey))
      } else {
        writer.set(nextKey())
      }
    }
  } while (writer.length < wanted && writer.bytes < TAPE_BYTES_MAX)
  return writer.finish()
}

/** Sets that store every key of the workload once, from a first one, in as many tapes as keep each small. */
export function* recordFill(workload: Workload, firstKey = 0): Generator<Tape> {
  const filling: Workload = {
    ...workload,
    name: 'fill',
    mix: { set: 1 },
    connections: 1,
    depth: FILL_DEPTH,
  }
  let writer = new TapeWriter(filling)
  for (let key = firstKey; key < workload.keys; key++) {
    writer.set(key)
    if (writer.bytes >= FILL_TAPE_BYTES) {
      yield writer.finish()
      writer = new TapeWriter(filling)
    }
  }
  if (writer.length > 0) yield writer.finish()
}

/** Letters, so that a value is never mistaken for a line of the protocol and can be read in a dump. */
function valueText(bytes: number): string {
  return 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(bytes / 26)).slice(0, bytes)
}

const CRLF_BYTES = 2
/** `VA 1048576` with its line end. */
const SHARED_LITERAL_MAX = 12
const HD: Answer = [['HD\r\n', 0]]
const STORED: Answer = [['STORED\r\n', 0]]

/** What an answer consists of: pieces of a literal and the bytes after it, whose content is not looked at. */
export type Answer = readonly (readonly [literal: string, skip: number])[]

export class TapeWriter {
  readonly #workload: Workload
  readonly #keys: SyntheticKeys
  readonly #valueBytes: number
  readonly #storeTail: string
  readonly #requests = new ByteSink()
  readonly #literals = new ByteSink()
  /** Literals that are the same for all keys are kept once. */
  readonly #sharedPlace = new Map<string, number>()
  readonly #requestStart: number[] = [0]
  readonly #keysAsked: number[] = []
  readonly #firstPiece: number[] = [0]
  readonly #literalStart: number[] = []
  readonly #literalEnd: number[] = []
  readonly #skip: number[] = []

  constructor(workload: Workload) {
    this.#workload = workload
    this.#keys = new SyntheticKeys(workload.keys, workload.keyBytes)
    this.#valueBytes = constantSize(workload.valueBytes)
    this.#storeTail = `${this.#valueBytes}\r\n${valueText(this.#valueBytes)}\r\n`
  }

  get length(): number {
    return this.#keysAsked.length
  }

  get bytes(): number {
    return this.#requests.length + this.#literals.length
  }

  set(key: number): void {
    const name = this.#keys.text(key)
    if (this.#workload.protocol === 'meta') {
      this.request(`ms ${name} ${this.#storeTail}`, 0, HD)
    } else {
      this.request(`set ${name} 0 0 ${this.#storeTail}`, 0, STORED)
    }
  }

  get(keys: readonly number[]): void {
    const names = keys.map((key) => this.#keys.text(key))
    const valueBytes = this.#valueBytes
    const skip = valueBytes + CRLF_BYTES
    if (this.#workload.protocol === 'meta') {
      const values = names.map(() => [`VA ${valueBytes}\r\n`, skip] as const)
      if (names.length === 1) {
        this.request(`mg ${names[0]} v\r\n`, 1, values)
      } else {
        const text = names.map((name) => `mg ${name} v q\r\n`).join('')
        this.request(`${text}mn\r\n`, names.length, [...values, ['MN\r\n', 0]])
      }
    } else {
      const values = names.map((name) => [`VALUE ${name} 0 ${valueBytes}\r\n`, skip] as const)
      this.request(`get ${names.join(' ')}\r\n`, names.length, [...values, ['END\r\n', 0]])
    }
  }

  /** Text is one byte per character. */
  request(text: string, keysAsked: number, answer: Answer): void {
    for (const [literal, skip] of answer) {
      const place = this.#place(literal)
      this.#literalStart.push(place)
      this.#literalEnd.push(place + literal.length)
      this.#skip.push(skip)
    }
    this.#requests.append(text)
    this.#requestStart.push(this.#requests.length)
    this.#keysAsked.push(keysAsked)
    this.#firstPiece.push(this.#skip.length)
  }

  finish(): Tape {
    return {
      workload: this.#workload,
      length: this.length,
      requests: this.#requests.bytes(),
      requestStart: Uint32Array.from(this.#requestStart),
      keysAsked: Uint16Array.from(this.#keysAsked),
      firstPiece: Uint32Array.from(this.#firstPiece),
      literals: this.#literals.bytes(),
      literalStart: Uint32Array.from(this.#literalStart),
      literalEnd: Uint32Array.from(this.#literalEnd),
      skip: Uint32Array.from(this.#skip),
    }
  }

  #place(literal: string): number {
    // Those that name a key are as many as there are requests, and would fill the map in vain.
    if (literal.length > SHARED_LITERAL_MAX) return this.#literals.append(literal)
    const place = this.#sharedPlace.get(literal) ?? this.#literals.append(literal)
    this.#sharedPlace.set(literal, place)
    return place
  }
}

/** Text that becomes bytes as it is appended. */
class ByteSink {
  length = 0
  #buffer = Buffer.allocUnsafeSlow(64 * 1024)

  /** Returns the place at which the text begins. */
  append(text: string): number {
    const place = this.length
    this.length += text.length
    if (this.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.length, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, place)
      this.#buffer = larger
    }
    this.#buffer.write(text, place, 'latin1')
    return place
  }

  /** In memory of its own, whose address stays where it is while the kernel reads from it. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length)
  }
}
