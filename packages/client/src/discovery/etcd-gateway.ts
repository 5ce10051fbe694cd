// etcd v3 as HTTP with JSON, which every etcd member serves beside gRPC on the same port: what a
// discovery and a registration need of it. Knows requests and answers, not what the keys mean.

export interface EtcdOptions {
  /** `http://host:2379` of one or more members; the next is asked when one fails. Default `http://127.0.0.1:2379`. */
  readonly endpoints?: string | readonly string[]
  /** For an etcd with authentication. */
  readonly auth?: { readonly username: string; readonly password: string }
  /** Milliseconds for one question. Default 5,000. */
  readonly timeout?: number
  /** Instead of Node's own: one that knows client certificates, for example. */
  readonly fetch?: typeof fetch
}

export interface EtcdEntry {
  readonly key: string
  readonly value: string
}

export interface EtcdChange {
  readonly key: string
  /** Undefined: deleted, or its lease has ended. */
  readonly value: string | undefined
}

export interface EtcdChanges {
  readonly revision: number
  readonly changes: readonly EtcdChange[]
}

/** The revisions that a watch asks for are gone: the present state must be read anew. */
export class EtcdCompacted extends Error {
  override readonly name = 'EtcdCompacted'
}

interface Json {
  readonly [field: string]: unknown
}

/** One watched change is a few hundred bytes; an answer with all keys comes by another way. */
const LINE_MAX_CHARACTERS = 8 * 1024 * 1024

export class EtcdGateway {
  readonly #endpoints: readonly string[]
  readonly #auth: EtcdOptions['auth']
  readonly #timeout: number
  readonly #fetch: typeof fetch
  #token: string | undefined
  /** The member that answered last. */
  #current = 0

  constructor(options: EtcdOptions) {
    const endpoints = [options.endpoints ?? 'http://127.0.0.1:2379'].flat()
    this.#endpoints = endpoints.map((endpoint) => endpoint.replace(/\/+$/, ''))
    this.#auth = options.auth
    this.#timeout = options.timeout ?? 5_000
    this.#fetch = options.fetch ?? fetch
  }

  /** All entries under a prefix, and the revision of which that is true. */
  async range(
    prefix: string,
    signal?: AbortSignal,
  ): Promise<{ revision: number; entries: EtcdEntry[] }> {
    const answer = await this.#ask('/v3/kv/range', within(prefix), signal)
    const kvs = (answer.kvs ?? []) as Json[]
    return {
      revision: revisionOf(answer),
      entries: kvs.map((kv) => ({ key: decode(kv.key), value: decode(kv.value) })),
    }
  }

  async put(key: string, value: string, lease: string): Promise<void> {
    await this.#ask('/v3/kv/put', { key: encode(key), value: encode(value), lease })
  }

  /** @returns the lease's id. */
  async grantLease(seconds: number): Promise<string> {
    return String((await this.#ask('/v3/lease/grant', { TTL: String(seconds) })).ID)
  }

  /** @returns whether the lease is still there. */
  async keepLeaseAlive(lease: string): Promise<boolean> {
    const answer = await this.#ask('/v3/lease/keepalive', { ID: lease })
    // The stream's only message; a lease that has ended has no time to live.
    return Number((answer.result as Json | undefined)?.TTL ?? 0) > 0
  }

  /** Ends a lease, and with it what was put under it. */
  async revokeLease(lease: string): Promise<void> {
    await this.#ask('/v3/lease/revoke', { ID: lease })
  }

  /**
   * The changes under a prefix from a revision on, until the stream ends or the signal aborts it.
   * @throws EtcdCompacted
   */
  async *watch(
    prefix: string,
    fromRevision: number,
    signal: AbortSignal,
  ): AsyncGenerator<EtcdChanges> {
    const request = {
      create_request: { ...within(prefix), start_revision: String(fromRevision) },
    }
    const response = await this.#post('/v3/watch', request, signal)
    for await (const message of jsonLines(response)) {
      if (message.error !== undefined) throw failure('/v3/watch', message)
      const result = (message.result ?? {}) as Json
      // An etcd that was restored from a copy counts on from there: it would be silent until it is here again.
      const isBehind = result.created === true && revisionOf(result) < fromRevision - 1
      if (isBehind || Number(result.compact_revision ?? 0) > 0) {
        throw new EtcdCompacted(`etcd has no revision ${fromRevision}`)
      }
      if (result.canceled === true) throw new Error(`watch canceled: ${result.cancel_reason ?? ''}`)
      const events = (result.events ?? []) as Json[]
      const changes = events.map((event): EtcdChange => {
        const kv = event.kv as Json
        // A put is the default of `type`, which is left out; so is an empty value.
        return {
          key: decode(kv.key),
          value: event.type === 'DELETE' ? undefined : decode(kv.value),
        }
      })
      if (changes.length > 0) yield { revision: revisionOf(result), changes }
    }
  }

  async #ask(path: string, body: Json, signal?: AbortSignal): Promise<Json> {
    const deadline = AbortSignal.timeout(this.#timeout)
    const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
    const response = await this.#post(path, body, either)
    return (await response.json()) as Json
  }

  /** Asks the member that answered last, then the others. Logs in, and anew when the login has ended. */
  async #post(path: string, body: Json, signal: AbortSignal): Promise<Response> {
    let error: unknown
    for (let attempt = 0; attempt < this.#endpoints.length; attempt++) {
      try {
        const token = await this.#login(signal)
        const response = await this.#send(path, body, token, signal)
        if (response.status !== 401 || token === undefined) return await successful(path, response)
        this.#token = undefined
        await response.body?.cancel()
        const renewed = await this.#login(signal)
        return await successful(path, await this.#send(path, body, renewed, signal))
      } catch (cause) {
        if (signal.aborted) throw cause
        error = cause
        this.#current = (this.#current + 1) % this.#endpoints.length
      }
    }
    throw error
  }

  async #login(signal: AbortSignal): Promise<string | undefined> {
    if (this.#auth === undefined || this.#token !== undefined) return this.#token
    const path = '/v3/auth/authenticate'
    const { username: name, password } = this.#auth
    const response = await this.#send(path, { name, password }, undefined, signal)
    const answer = (await (await successful(path, response)).json()) as Json
    this.#token = String(answer.token)
    return this.#token
  }

  #send(
    path: string,
    body: Json,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<Response> {
    return this.#fetch(`${this.#endpoints[this.#current]}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...(token && { authorization: token }) },
      signal,
    })
  }
}

/** What went wrong; Node's fetch hides that in the cause. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message} (${cause.message || cause.name})` : message
}

/** The keys that begin so: up to the first that is greater than all of them. */
function within(prefix: string): Json {
  const end = Buffer.from(prefix)
  if (end.length === 0) return { key: 'AA==', range_end: 'AA==' }
  // The last byte of UTF-8 is never 0xff.
  end[end.length - 1]! += 1
  return { key: encode(prefix), range_end: end.toString('base64') }
}

async function successful(path: string, response: Response): Promise<Response> {
  if (response.ok) return response
  const answer = (await response.json().catch(() => ({}))) as Json
  throw failure(path, answer, response.status)
}

function failure(path: string, answer: Json, status?: number): Error {
  const reason = answer.error ?? answer.message ?? ''
  const text = typeof reason === 'string' ? reason : ((reason as Json).message ?? '')
  return new Error(`etcd refused ${path}${status === undefined ? '' : ` with ${status}`}: ${text}`)
}

function revisionOf(answer: Json): number {
  return Number((answer.header as Json).revision)
}

async function* jsonLines(response: Response): AsyncGenerator<Json> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body!) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LINE_MAX_CHARACTERS) throw new Error('etcd sent a line without an end')
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as Json
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function decode(base64: unknown): string {
  return Buffer.from(String(base64 ?? ''), 'base64').toString()
}
