// What an OperationCaller says to one server and hears from it, in one of the protocols. Knows no sockets, and not
// which operations come or why.
import type { Conversation } from '../load/conversation.ts'
import { DELETE, GET, type KeySpace, SET } from '../workload/operation.ts'
import type { Protocol } from '../workload/workload.ts'
import { BinaryReader } from './binary-reader.ts'
import { BinaryWriter } from './binary-writer.ts'
import { ClassicReader } from './classic-reader.ts'
import { ClassicWriter } from './classic-writer.ts'
import type { FollowUps } from './follow-ups.ts'
import { MetaReader } from './meta-reader.ts'
import { MetaWriter } from './meta-writer.ts'
import { Outcomes, type OutcomesOptions } from './outcomes.ts'
import { PendingRequests } from './pending-requests.ts'
import { RequestBuffer } from './request-buffer.ts'
import { type RequestKind, stores } from './request-kinds.ts'
import type { RequestWriter } from './request-writer.ts'
import type { ValueLedger } from './value-ledger.ts'
import type { WireReader } from './wire-reader.ts'

export interface ServerConversationOptions extends OutcomesOptions {
  readonly protocol: Protocol
  readonly keySpace: KeySpace
}

const PROTOCOLS = {
  classic: { Writer: ClassicWriter, Reader: ClassicReader },
  meta: { Writer: MetaWriter, Reader: MetaReader },
  binary: { Writer: BinaryWriter, Reader: BinaryReader },
} as const

/** Longer times to live are taken as dates by servers: 30 days, in seconds. */
const TTL_MAX = 30 * 24 * 3_600

export class ServerConversation implements Conversation {
  unsentFrom = 0
  readonly #output: RequestBuffer
  readonly #pending = new PendingRequests()
  readonly #outcomes: Outcomes
  readonly #writer: RequestWriter
  readonly #reader: WireReader
  readonly #ledger: ValueLedger | undefined

  /** What its answers call for is added to the follow-ups. */
  constructor(options: ServerConversationOptions, followUps: FollowUps) {
    const { Writer, Reader } = PROTOCOLS[options.protocol]
    this.#output = new RequestBuffer(options.keySpace)
    this.#outcomes = new Outcomes(options, this.#pending, this.#output, followUps)
    this.#writer = new Writer(this.#output)
    this.#reader = new Reader(this.#pending, this.#outcomes, this.#output)
    this.#ledger = options.ledger
  }

  get output(): Uint8Array {
    return this.#output.bytes
  }

  get unsentTo(): number {
    return this.#output.length
  }

  get outstanding(): number {
    return this.#pending.outstanding
  }

  get answered(): Uint32Array {
    return this.#outcomes.answered
  }

  get broken(): string | undefined {
    return this.#reader.broken
  }

  /**
   * All requests have been answered, and the next ones follow. A refusal may have come before all of its request
   * was sent: the server still waits for the rest.
   */
  beginBatch(): void {
    this.#output.dropUntil(this.unsentFrom)
    this.unsentFrom = 0
    this.#pending.clear()
  }

  /** Makes a request for one key. */
  request(kind: RequestKind, key: number, valueBytes: number, ttl: number): void {
    const output = this.#output
    const pending = this.#pending
    const ledger = this.#ledger
    const entry = pending.entries
    const liveSeconds = Math.min(ttl, TTL_MAX)
    let version = 0
    let floor = 0
    if (ledger !== undefined) {
      if (kind === SET || kind === DELETE) version = ledger.issue(key)
      else if (kind === GET) floor = ledger.floor(key)
    }
    output.reserve(stores(kind) ? valueBytes : 0)
    this.#writer.write(kind, key, valueBytes, liveSeconds, version, entry)
    pending.addRequest(kind)
    pending.addEntry(key, output.keyStart, output.keyEnd, valueBytes, ttl, floor)
  }

  /** Begins a get of several keys: those added until `endGet`, of which there must be one at least. */
  beginGet(): void {
    this.#output.reserve(0)
    this.#pending.addRequest(GET)
    this.#writer.beginGet()
  }

  getKey(key: number, valueBytes: number, ttl: number): void {
    const output = this.#output
    const pending = this.#pending
    const floor = this.#ledger?.floor(key) ?? 0
    output.reserve(0)
    this.#writer.getKey(key, pending.entries)
    pending.addEntry(key, output.keyStart, output.keyEnd, valueBytes, ttl, floor)
  }

  endGet(): void {
    this.#output.reserve(0)
    this.#writer.endGet(this.#pending.entries - 1)
  }

  read(bytes: Uint8Array, length: number): number {
    const before = this.#pending.outstanding
    this.#reader.read(bytes, length)
    return before - this.#pending.outstanding
  }
}
