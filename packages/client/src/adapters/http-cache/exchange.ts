// A request that the application answers, and what becomes of its answer: stored, replaced by an older one, or neither. Adapters tell
// it what they see of the response. Knows no framework and no item.
import type { TagStamp } from '../../tags.ts'
import { type Headers, headerText } from './cache-control.ts'
import { headersOfNotModified, isNotModified } from './conditions.ts'
import type { CacheableRequest } from './request.ts'
import type { Terms } from './storage-rules.ts'

/** What is sent to a client. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  /** None of HEAD and of 304. */
  readonly body: Uint8Array | undefined
}

/** What an adapter has to do when it knows status and headers of a response. */
export interface Answer {
  /** To be added. */
  readonly headers: Headers
  /** To be sent instead, when the response has ended; its body goes nowhere but into the recording. */
  readonly instead: Reply | undefined
  /** Takes the body's bytes as they are sent. Undefined when they are not wanted. */
  readonly recording: Recording | undefined
}

/** What the cache is to an exchange. */
export interface Keeper {
  terms(request: CacheableRequest, status: number, headers: Headers): Terms | undefined
  stampNow(tags: Iterable<string>): Promise<TagStamp | undefined>
  /** Status and headers are known, and nothing is sent. */
  responded(status: number): void
  /** Whether it is stored; never rejects. */
  keep(
    status: number,
    headers: Headers,
    terms: Terms,
    stamp: TagStamp,
    body: Buffer,
  ): Promise<boolean>
  /** The value of Cache-Status, or undefined. */
  cacheStatus(parameters: string): string | undefined
  /** A response is to be kept no more, or has been, or has failed. Once. */
  ended(status: number | undefined, isKept: boolean): void
}

export interface ExchangeOptions {
  readonly request: CacheableRequest
  readonly keeper: Keeper
  /** Why the application is asked: RFC 9211, section 2.2. */
  readonly forwarded: string
  /** What the tags were before the application was asked. Undefined: nothing is to be stored. */
  readonly stamp: TagStamp | undefined
  /** What may be sent if the application fails. */
  readonly ifError: Reply | undefined
  readonly maxBodyBytes: number
}

const CONDITIONS = ['if-none-match', 'if-modified-since']

/** The bytes of a body, as long as they are few enough. */
export class Recording {
  readonly #max: number
  readonly #overflown: () => void
  #chunks: Buffer[] | undefined = []
  #length = 0

  constructor(max: number, overflown: () => void) {
    this.#max = max
    this.#overflown = overflown
  }

  write(chunk: unknown, encoding?: BufferEncoding): void {
    if (this.#chunks === undefined) return
    // A copy, because what is sent may be written to again.
    const bytes =
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk as Uint8Array)
    this.#length += bytes.length
    if (this.#length > this.#max) this.#overflown()
    else this.#chunks.push(bytes)
  }

  drop(): void {
    this.#chunks = undefined
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks ?? [])
  }
}

export class Exchange {
  readonly #options: ExchangeOptions
  readonly #recording: Recording
  #mayStore: boolean
  #stamp: TagStamp
  #status: number | undefined
  #headers: Headers = {}
  #hasEnded = false

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#mayStore = options.stamp !== undefined
    this.#stamp = options.stamp ?? []
    this.#recording = new Recording(options.maxBodyBytes, () => this.abandon())
  }

  /** The headers that adapters hide from the application, so that it answers with all that is to be stored. */
  get hides(): readonly string[] {
    return this.#options.stamp === undefined ? [] : CONDITIONS
  }

  /** See HttpCache.tag. */
  async tag(tags: Iterable<string>): Promise<void> {
    if (!this.#mayStore) return
    const stamp = await this.#options.keeper.stampNow(tags)
    if (stamp === undefined) this.#mayStore = false
    else this.#stamp = [...this.#stamp, ...stamp]
  }

  /** To be told once, when status and headers are known and nothing is sent. */
  respond(status: number, headers: Headers): Answer {
    const { request, keeper, forwarded, ifError } = this.#options
    this.#status = status
    this.#headers = headers
    keeper.responded(status)
    if (status >= 500 && ifError !== undefined) {
      this.abandon()
      const cacheStatus = keeper.cacheStatus(
        `fwd=stale; fwd-status=${status}; detail=stale-if-error`,
      )
      const reply = { ...ifError, headers: withStatus(ifError.headers, cacheStatus) }
      return { headers: {}, instead: reply, recording: undefined }
    }
    const length = Number(headerText(headers['content-length']) || 0)
    const isStored = this.#terms() !== undefined && length <= this.#options.maxBodyBytes
    // Nobody need wait for the body.
    if (!isStored) this.abandon()
    const cacheStatus = keeper.cacheStatus(`fwd=${forwarded}${isStored ? '; stored' : ''}`)
    const added = withStatus(
      cacheStatus === undefined ? {} : { 'cache-status': headers['cache-status'] },
      cacheStatus,
    )
    const recording = isStored ? this.#recording : undefined
    const isHidden = this.hides.length > 0
    const isKnown = isHidden && status === 200 && isNotModified(request.headers, headers)
    const instead = isKnown
      ? { status: 304, headers: headersOfNotModified({ ...headers, ...added }), body: undefined }
      : undefined
    return { headers: added, instead, recording }
  }

  /** What was sent in the end may be other headers, from those who come last. To be told before `finish`. */
  sent(headers: Headers): void {
    this.#headers = { ...headers, 'cache-status': undefined }
    if (this.#terms() === undefined) this.#mayStore = false
  }

  /** The response is whole. */
  async finish(): Promise<void> {
    if (this.#hasEnded) return
    const terms = this.#terms()
    const length = this.#headers['content-length']
    const body = this.#recording.bytes()
    const isWhole = length === undefined || Number(length) === body.length
    if (terms === undefined || !isWhole) return this.abandon()
    this.#hasEnded = true
    const { keeper } = this.#options
    const status = this.#status as number
    keeper.ended(status, await keeper.keep(status, this.#headers, terms, this.#stamp, body))
  }

  /** The response is not whole and never will be, or not to be kept. */
  abandon(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#recording.drop()
    this.#options.keeper.ended(this.#status, false)
  }

  #terms(): Terms | undefined {
    if (!this.#mayStore || this.#status === undefined) return undefined
    return this.#options.keeper.terms(this.#options.request, this.#status, this.#headers)
  }
}

/** Caches that the response came through come first. */
export function withStatus(headers: Headers, status: string | undefined): Headers {
  if (status === undefined) return headers
  const before = headerText(headers['cache-status'])
  return { ...headers, 'cache-status': before === '' ? status : `${before}, ${status}` }
}
