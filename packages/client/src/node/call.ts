// One command on its way: what it asks, until when, and the promise of its caller. A plain record of
// one shape, because there is one per operation. Knows no socket; whoever holds it settles it.
import { bytesOrText, unsigned32 } from '../arguments.ts'
import type { Codec, Encoded } from '../codec/codec.ts'
import type { Command, Operation } from '../wire/command.ts'
import type { Counters } from './counters.ts'

// A promise's functions without a closure per call.
let resolvePromise: (value: unknown) => void
let rejectPromise: (error: unknown) => void
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  resolvePromise = resolve
  rejectPromise = reject
}

/** Who is told of a call instead of a promise. */
export interface CallReceiver {
  /** What `result` holds may be overwritten afterwards, if it is a relayed answer. */
  resolved(label: unknown, result: unknown): void
  rejected(label: unknown, error: unknown): void
}

export class Call implements Command {
  readonly operation: Operation
  readonly key: string
  keyBytes = 0
  /** What chooses its node: the key, in most cases. */
  routingKey: string
  data: Uint8Array | string = ''
  flags = 0
  ttl: number | undefined = undefined
  operand: number | bigint = 0
  initial: number | bigint | undefined = undefined
  metaFlags = ''
  codec: Codec<unknown>
  lines: Map<string, string> | undefined = undefined

  /** What its value is being turned into, when that takes time; then `data` and `flags` are not set yet. */
  encoding: Promise<Encoded> | undefined = undefined

  /** Milliseconds of `performance.now()`. */
  issuedAt = 0
  deadline = 0
  /** Its caller has been told; a late answer is dropped. */
  settled = false
  /** It was sent a second time, its first fate being unknown. */
  retried = false
  /** On how many nodes the key is; 0: as the client says. */
  replicas = 0
  /** It is about a copy of the item on this one node, not about the key wherever it is. */
  isCopy = false
  /** Of the node that has it. */
  counters: Counters | undefined = undefined

  #resolve: ((value: unknown) => void) | undefined = undefined
  #reject: ((error: unknown) => void) | undefined = undefined
  #receiver: CallReceiver | undefined = undefined
  #label: unknown = ''
  #signal: AbortSignal | undefined = undefined
  #onAbort: (() => void) | undefined = undefined

  constructor(operation: Operation, key: string, codec: Codec<unknown>) {
    this.operation = operation
    this.key = key
    this.routingKey = key
    this.codec = codec
  }

  /** Sets what is to be stored. @throws ArgumentError when it can't be. */
  carry({ data, flags }: Encoded): void {
    this.data = bytesOrText('what the codec returned', data)
    this.flags = unsigned32('flags', flags)
  }

  /** The same command, or another about the same key, for a caller of its own. Not of a settled call. */
  copy(operation: Operation = this.operation): Call {
    return Object.assign(new Call(operation, this.key, this.codec), this, { operation })
  }

  /** The promise of the only caller. */
  promise(): Promise<unknown> {
    const promise = new Promise<unknown>(capture)
    this.#resolve = resolvePromise
    this.#reject = rejectPromise
    return promise
  }

  /** Gives the result to a receiver, under this label, instead of a promise. */
  reportTo(receiver: CallReceiver, label: unknown): void {
    this.#receiver = receiver
    this.#label = label
  }

  /** Rejects with the signal's reason when it aborts, which it has not yet. */
  listenTo(signal: AbortSignal): void {
    this.#signal = signal
    this.#onAbort = () => this.reject(signal.reason)
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  resolve(value: unknown): void {
    if (this.settled) return
    this.#settle()
    this.counters?.succeeded(this, value)
    if (this.#receiver === undefined) this.#resolve?.(value)
    else this.#receiver.resolved(this.#label, value)
  }

  reject(error: unknown): void {
    if (this.settled) return
    this.#settle()
    this.counters?.failed(this, error)
    if (this.#receiver === undefined) this.#reject?.(error)
    else this.#receiver.rejected(this.#label, error)
  }

  #settle(): void {
    this.settled = true
    this.data = ''
    if (this.#signal !== undefined) {
      this.#signal.removeEventListener('abort', this.#onAbort!)
      this.#signal = undefined
    }
  }
}
