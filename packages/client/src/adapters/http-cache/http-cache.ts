// Responses of web applications in a cache that all their processes share: looks for a stored one, lets one request of a process
// ask the application while the others wait, and stores what comes. A cache that fails is a cache that has nothing. Knows no
// framework. It is long because all that happens to a request is decided here, in one place to be read.
import { hash, randomBytes } from 'node:crypto'
import { positiveInteger } from '../../arguments.ts'
import { ArgumentError } from '../../errors.ts'
import { type TagStamp, Tags } from '../../tags.ts'
import { entityTagOf, headersOfNotModified, isNotModified } from './conditions.ts'
import { Exchange, type ExchangeOptions, type Keeper, type Reply, withStatus } from './exchange.ts'
import type { HttpCacheOptions } from './options.ts'
import { RecentKeys } from './recent-keys.ts'
import {
  type CacheableRequest,
  isBypassed,
  isOnlyIfCached,
  selected,
  type Use,
  useOf,
} from './request.ts'
import { ageOf, secondsLeft, type Terms, termsOf } from './storage-rules.ts'
import {
  decode,
  encode,
  headersToStore,
  type Selection,
  type StoredResponse,
} from './stored-response.ts'

/** Where a response is, or would be. */
interface Slot {
  /** Of the URL. */
  readonly base: string
  /** Of the response: the same, unless headers of the request choose one. */
  readonly key: string
  readonly selection: Selection | undefined
}

interface Found {
  readonly slot: Slot
  readonly use: Use
  /** Why the application has to be asked, as Cache-Status says it. */
  readonly forwarded: string
  readonly stored: StoredResponse | undefined
  readonly body: Uint8Array | undefined
}

const DEFAULT_MAX_BODY_BYTES = 512 * 1024
const DEFAULT_WAIT_MS = 5000
/** Seconds in which the one who asks the application for a new response has to have it; then another may. */
const LEASE_SECONDS = 15
const UNSHARED_MS = 10_000
/** An application that has just failed is not asked again while there is an older response. */
const FAILING_MS = 1000
/** Longer than responses take. */
const CHANGED_MS = 60_000
const RECENT_MAX_KEYS = 10_000
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

export class HttpCache {
  readonly #client: HttpCacheOptions['client']
  readonly #options: HttpCacheOptions
  readonly #tags: Tags
  readonly #prefix: string
  readonly #defaults: { ttl: number; staleWhileRevalidate: number; staleIfError: number }
  readonly #maxBodyBytes: number
  readonly #waitFor: number
  /** Those who ask the application, by the key of the response and whether they say who they are. */
  readonly #flights = new Map<string, Promise<void>>()
  /** Keys whose responses turned out not to be for others, and are not waited for. */
  readonly #unshared = new RecentKeys(RECENT_MAX_KEYS, UNSHARED_MS)
  readonly #failing = new RecentKeys(RECENT_MAX_KEYS, FAILING_MS)
  readonly #changed = new RecentKeys(RECENT_MAX_KEYS, CHANGED_MS)
  /** By what an application has in its hands of a request. */
  readonly #exchanges = new WeakMap<object, Exchange>()

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: HttpCacheOptions) {
    const {
      client,
      prefix = 'http:',
      ttl = 0,
      staleWhileRevalidate = 0,
      staleIfError = 0,
    } = options
    const defaults = { ttl, staleWhileRevalidate, staleIfError }
    for (const [name, value] of Object.entries(defaults)) {
      if (!(value >= 0)) throw new ArgumentError(`${name} is ${String(value)}: give seconds`)
    }
    this.#client = client
    this.#options = options
    this.#prefix = prefix
    this.#tags = new Tags({ client, prefix: `${prefix}tag:` })
    this.#defaults = defaults
    this.#maxBodyBytes = positiveInteger(
      'maxBodyBytes',
      options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
    )
    this.#waitFor = options.waitFor ?? DEFAULT_WAIT_MS
  }

  /** All responses with one of these tags are out of date. See Tags.invalidate, also for when it rejects. */
  invalidate(tags: Iterable<string>): Promise<void> {
    return this.#tags.invalidate(tags)
  }

  /**
   * Says in a handler what the response is made of. Await it BEFORE that is read: what is invalidated afterwards makes the
   * response out of date. `carrier` is Express' `response`, Fastify's `reply`, Hono's context.
   */
  async tag(carrier: object, ...tags: string[]): Promise<void> {
    await this.#exchanges.get(carrier)?.tag(tags)
  }

  /** @internal For adapters: what a handler will say `tag` of. */
  track(carrier: object, exchange: Exchange): void {
    this.#exchanges.set(carrier, exchange)
  }

  /**
   * @internal For adapters: a stored response, or the exchange in which the application answers. `refresh` asks it again behind a
   * response that is sent meanwhile; without it the request itself waits.
   * Rejects only with what `key` and `tags` throw.
   */
  async begin(request: CacheableRequest, refresh?: () => Promise<void>): Promise<Reply | Exchange> {
    if (!SAFE.has(request.method)) return this.#change(request)
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const base = isRead && !isBypassed(request) ? this.#baseKey(request) : undefined
    if (base === undefined) return this.#exchange(request, isRead ? 'bypass' : 'method')
    const who = hasCredentials(request) ? ':credentials' : ''
    const giveUpAt = performance.now() + this.#waitFor
    for (let hasWaited = false; ; hasWaited = true) {
      const found = await this.#find(base, request)
      if (found === undefined) return this.#exchange(request, 'miss; detail=outage')
      const { use, slot } = found
      const flightKey = slot.key + who
      const status = hasWaited ? `fwd=${found.forwarded}; collapsed` : 'hit'
      if (use === 'fresh') return this.#reply(request, found, status)
      if (use === 'while-revalidating') {
        const isOthers = this.#flights.has(flightKey) || !(await this.#lease(slot.key))
        if (isOthers) return this.#reply(request, found, 'hit')
        if (refresh === undefined) return this.#lead(request, found, flightKey)
        refresh().catch((error) => this.#failed(error))
        return this.#reply(request, found, 'hit')
      }
      if (isOnlyIfCached(request)) return this.#notCached()
      if (request.method === 'HEAD') return this.#exchange(request, found.forwarded)
      const left = giveUpAt - performance.now()
      const isAlone = use === 'request' || this.#unshared.has(flightKey) || left <= 0
      if (isAlone) return this.#ask(request, found, flightKey, undefined)
      if (use === 'if-error' && this.#failing.has(flightKey)) {
        return this.#reply(request, found, 'hit; detail=stale-if-error')
      }
      const flight = this.#flights.get(flightKey)
      if (flight === undefined) return this.#lead(request, found, flightKey)
      await atMost(flight, left)
    }
  }

  /** @internal For adapters: asks the application again, whatever is stored. */
  async beginAnew(request: CacheableRequest): Promise<Reply | Exchange> {
    const base = this.#baseKey(request)
    if (base === undefined) return this.#exchange(request, 'bypass')
    const found = await this.#find(base, request)
    if (found === undefined) return this.#exchange(request, 'miss; detail=outage')
    return this.#lead(request, found, found.slot.key)
  }

  async #find(base: string, request: CacheableRequest): Promise<Found | undefined> {
    try {
      let slot: Slot = { base, key: base, selection: undefined }
      let item = decode(await this.#client.get(base))
      if (item !== undefined && 'select' in item.head) {
        const selection = item.head
        slot = { base, key: variantKey(base, selection, request), selection }
        item = decode(await this.#client.get(slot.key))
      }
      const missed = slot.selection === undefined ? 'uri-miss' : 'vary-miss'
      const none = { slot, use: 'none', stored: undefined, body: undefined } as const
      if (item === undefined || 'select' in item.head) return { ...none, forwarded: missed }
      const { head: stored, body } = item
      const { clientsMayReload = true } = this.#options
      const use = useOf(request, stored, Date.now(), clientsMayReload)
      if (use === 'none') return { ...none, forwarded: 'stale' }
      if (!(await this.#tags.isCurrent(stored.stamp))) return { ...none, forwarded: 'stale' }
      return { slot, use, forwarded: use === 'request' ? 'request' : 'stale', stored, body }
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  /** Who asks the application for those who wait. */
  #lead(request: CacheableRequest, found: Found, flightKey: string): Promise<Exchange> {
    let resolve = (): void => {}
    const flight = new Promise<void>((landed) => {
      resolve = landed
    })
    this.#flights.set(flightKey, flight)
    const land = (): void => {
      if (this.#flights.get(flightKey) === flight) this.#flights.delete(flightKey)
      resolve()
    }
    return this.#ask(request, found, flightKey, land).catch((error) => {
      land()
      throw error
    })
  }

  async #ask(
    request: CacheableRequest,
    found: Found,
    flightKey: string,
    land: (() => void) | undefined,
  ): Promise<Exchange> {
    const { slot, forwarded, use, stored } = found
    const askedAt = performance.now()
    const stamp = await this.#stamp(this.#options.tags?.(request) ?? [])
    const isUsable = use === 'if-error' || use === 'while-revalidating'
    const isForError = isUsable && stored !== undefined && isWithinError(stored, Date.now())
    return this.#exchange(request, forwarded, {
      stamp,
      ifError: isForError ? this.#reply(request, found, undefined) : undefined,
      keeper: {
        ...this.#keeper(),
        keep: (...kept) => this.#keep(request, slot, askedAt, kept),
        ended: (status, isKept) => {
          const hasFailed = status !== undefined && status >= 500
          if (isKept) this.#unshared.delete(flightKey)
          else if (hasFailed) this.#failing.add(flightKey)
          else if (status !== undefined) this.#unshared.add(flightKey)
          // After a failure the old response is served until the lease has ended.
          if (use === 'while-revalidating' && !hasFailed) {
            this.#client.delete(leaseKey(slot.key)).catch((error) => this.#failed(error))
          }
          land?.()
        },
      },
    })
  }

  #exchange(
    request: CacheableRequest,
    forwarded: string,
    options: Partial<ExchangeOptions> = {},
  ): Exchange {
    return new Exchange({
      request,
      forwarded,
      stamp: undefined,
      ifError: undefined,
      maxBodyBytes: this.#maxBodyBytes,
      keeper: this.#keeper(),
      ...options,
    })
  }

  /** What changes something makes what is stored under its URL out of date, if it succeeds (RFC 9111, section 4.4). */
  #change(request: CacheableRequest): Exchange {
    const responded = (status: number): void => {
      const base = status < 400 ? this.#baseKey({ ...request, method: 'GET' }) : undefined
      if (base === undefined) return
      this.#changed.add(base)
      this.#client.delete(base).catch((error) => this.#failed(error))
    }
    return this.#exchange(request, 'method', { keeper: { ...this.#keeper(), responded } })
  }

  #keeper(): Keeper {
    return {
      terms: ({ headers }, status, response) =>
        termsOf(headers, status, response, this.#defaults, Date.now()),
      stampNow: (tags) => this.#stamp(tags),
      keep: async () => false,
      responded: () => {},
      cacheStatus: (parameters) => this.#cacheStatus(parameters),
      ended: () => {},
    }
  }

  async #keep(
    request: CacheableRequest,
    { base, selection }: Slot,
    askedAt: number,
    [status, headers, terms, stamp, body]: Parameters<Keeper['keep']>,
  ): Promise<boolean> {
    // What was there before it was changed.
    if (this.#changed.hasSince(base, askedAt)) return false
    const ttl = Math.ceil(secondsLeft(terms, Date.now()))
    // What chose a response once goes on to, so that one that doesn't say so isn't everybody's.
    const names = [...new Set([...(selection?.select ?? []), ...terms.vary])].sort()
    const stored: StoredResponse = {
      ...terms,
      vary: names,
      status,
      stamp,
      headers: {
        date: new Date().toUTCString(),
        ...(status === 200 && { etag: entityTagOf(body) }),
        ...headersToStore(headers),
      },
    }
    const items: [key: string, item: Uint8Array][] = []
    if (names.length === 0) items.push([base, encode(stored, body)])
    else {
      const isSame = selection?.select.length === names.length
      const now = isSame ? selection : { select: names, id: randomBytes(9).toString('base64url') }
      items.push([variantKey(base, now, request), encode(stored, body)], [base, encode(now)])
    }
    try {
      const sets = items.map(([key, item]) => this.#client.set(key, item, { ttl }))
      return (await Promise.all(sets)).every(Boolean)
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  /** A stored response, for this request. */
  #reply(request: CacheableRequest, found: Found, status: string | undefined): Reply {
    const { stored, body } = found as Found & { stored: StoredResponse; body: Uint8Array }
    const now = Date.now()
    const age = ageOf(stored, now)
    const left = Math.floor(stored.freshFor - age)
    const text = status && this.#cacheStatus(`${status}; ttl=${left}`)
    const headers = withStatus({ ...stored.headers, age: String(Math.floor(age)) }, text)
    if (stored.status === 200 && isNotModified(request.headers, headers)) {
      return { status: 304, headers: headersOfNotModified(headers), body: undefined }
    }
    const hasBody = stored.status !== 204
    return {
      status: stored.status,
      headers: hasBody ? { ...headers, 'content-length': String(body.length) } : headers,
      body: hasBody && request.method !== 'HEAD' ? body : undefined,
    }
  }

  #notCached(): Reply {
    const headers = withStatus({ 'content-length': '0' }, this.#cacheStatus('detail=not-cached'))
    return { status: 504, headers, body: undefined }
  }

  #cacheStatus(parameters: string): string | undefined {
    const { cacheStatus = 'memshard' } = this.#options
    return cacheStatus === false ? undefined : `${cacheStatus}; ${parameters}`
  }

  /** Undefined: nothing can be stored. */
  async #stamp(tags: Iterable<string>): Promise<TagStamp | undefined> {
    try {
      return await this.#tags.stamp(tags)
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  /** Whether this process is the one to ask for a new response. */
  async #lease(key: string): Promise<boolean> {
    try {
      return await this.#client.add(leaseKey(key), 1, { ttl: LEASE_SECONDS })
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  /** Undefined: not to be cached. */
  #baseKey(request: CacheableRequest): string | undefined {
    const more = this.#options.key === undefined ? '' : this.#options.key(request)
    if (more === undefined) return undefined
    const { scheme, host, url } = request
    const what = JSON.stringify([scheme, host.toLowerCase(), url, more])
    return this.#prefix + hash('sha256', what, 'base64url')
  }

  #failed(error: unknown): void {
    this.#options.onError?.(error)
  }
}

function hasCredentials({ headers }: CacheableRequest): boolean {
  return headers.cookie !== undefined || headers.authorization !== undefined
}

function variantKey(base: string, { id, select }: Selection, request: CacheableRequest): string {
  return `${base}:${id}:${hash('sha256', selected(request, select), 'base64url')}`
}

function leaseKey(key: string): string {
  return `${key}:lease`
}

function isWithinError(terms: Terms, now: number): boolean {
  return ageOf(terms, now) - terms.freshFor < terms.staleIfError
}

/** Until it resolves, or as long as that. */
async function atMost(flight: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([flight, late])
  clearTimeout(timer)
}
