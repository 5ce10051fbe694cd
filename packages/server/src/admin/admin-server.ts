// The admin port: HTTP for scrapers, supervisors and people. Knows which path is whose, who may ask, and what a
// request may cost; what is answered is made in the files it names.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isCrossSite, isForeignName, isLoopback, Token } from './access.ts'
import type { Formation } from './formation.ts'
import { alive, type Health, type Probed, ready } from './health.ts'
import { type Answer, json, RequestError, respond, text } from './http-exchange.ts'
import type { InProcessClient } from './in-process-client.ts'
import { invalidate } from './invalidate.ts'
import { rankedKeys } from './key-ranking.ts'
import { METRICS_CONTENT_TYPE, metricsText } from './metrics.ts'
import { readStatistics } from './node-statistics.ts'
import { NodeWatch } from './node-watch.ts'
import type { Identity, KeyState } from './page-data.ts'
import { PAGE_PATHS, pageFile } from './page-files.ts'
import { NOTHING_TOLD, type NodeStatistics } from './statistics-text.ts'

export interface AdminAddress {
  /** A name or an address; undefined is every interface. */
  readonly host: string | undefined
  /** 0 lets the system choose. */
  readonly port: number
}

/** The node that is administered. */
export interface AdministeredNode extends Probed {
  readonly client: Pick<InProcessClient, 'ask'>
  readonly about: Pick<
    Identity,
    'addresses' | 'version' | 'transport' | 'threads' | 'pid' | 'maxConnections'
  >
  /** Commands that list keys are allowed (no `-X`). */
  readonly dumpEnabled: boolean
  /** Its clients have to log in. */
  readonly loginRequired: boolean
}

export interface AdminOptions {
  readonly address: AdminAddress
  /** What those who change something, or read keys from afar, have to know; undefined: nobody may. */
  readonly token: string | undefined
  /** The nodes beside which this one is, if they were named. */
  readonly formation: Formation | undefined
  /** Told of what was asked for and refused. */
  readonly report: AdminReport
}

export interface AdminReport {
  acted(what: Readonly<Record<string, string>>): void
  refused(why: Readonly<Record<string, string>>): void
  failed(error: unknown): void
}

const MAX_CONNECTIONS = 64
const MAX_HEADER_BYTES = 8 * 1024
const MAX_URL_LENGTH = 2048
const HEADERS_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 30_000
const CHECK_TIMEOUTS_MS = 1_000

interface Asked {
  readonly request: IncomingMessage
  readonly url: URL
}

interface Route {
  readonly method: 'GET' | 'POST'
  readonly answer: (asked: Asked) => Promise<Answer> | Answer
}

export class AdminServer {
  readonly #node: AdministeredNode
  readonly #report: AdminReport
  readonly #http: Server
  readonly #address: AdminAddress
  readonly #local: boolean
  readonly #watch: NodeWatch
  readonly #formation: Formation | undefined
  readonly #routes: ReadonlyMap<string, Route>
  #token: Token | undefined

  constructor(node: AdministeredNode, { address, token, formation, report }: AdminOptions) {
    this.#node = node
    this.#report = report
    this.#address = address
    this.#local = address.host !== undefined && isLoopback(address.host)
    this.#watch = new NodeWatch(node)
    this.#formation = formation
    this.token = token
    this.#routes = new Map(Object.entries(this.#table()))
    this.#http = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: CHECK_TIMEOUTS_MS,
      },
      (request, response) => void this.#serve(request, response),
    )
    this.#http.maxConnections = MAX_CONNECTIONS
    // What no parser understands is answered by Node itself; there is nobody else to tell.
    this.#http.on('clientError', (_, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
      else socket.destroy()
    })
  }

  /** Another token, from now on. */
  set token(secret: string | undefined) {
    this.#token = secret === undefined ? undefined : new Token(secret)
  }

  /** Resolves to where it listens, in words; rejects if it can't. */
  async listen(): Promise<string> {
    const { host, port } = this.#address
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen({ host, port }, resolve)
    })
    this.#http.on('error', (error) => this.#report.failed(error))
    this.#watch.start()
    const { address, port: given, family } = this.#http.address() as AddressInfo
    return family === 'IPv6' ? `[${address}]:${given}` : `${address}:${given}`
  }

  close(): void {
    this.#watch.stop()
    void this.#formation?.close()
    this.#http.close()
    this.#http.closeAllConnections()
  }

  #table(): Readonly<Record<string, Route>> {
    const node = this.#node
    const page = PAGE_PATHS.map((path) => [
      path,
      { method: 'GET', answer: () => pageFile(path) } satisfies Route,
    ])
    return {
      ...Object.fromEntries(page),
      '/metrics': {
        method: 'GET',
        answer: async () => ({
          status: 200,
          type: METRICS_CONTENT_TYPE,
          body: await metricsText(readStatistics(node.client)),
        }),
      },
      '/scrape': {
        method: 'GET',
        answer: async ({ url }) => ({
          status: 200,
          type: METRICS_CONTENT_TYPE,
          body: await metricsText(await this.#statisticsOf(url.searchParams.get('target') ?? '')),
        }),
      },
      '/api/state': {
        method: 'GET',
        answer: ({ url }) => {
          const since = Number(url.searchParams.get('since') ?? 0)
          if (!Number.isFinite(since)) throw new RequestError(400, 'since is no time')
          const actions = this.#token !== undefined
          return json(200, this.#watch.state(since, actions, this.#formation !== undefined))
        },
      },
      '/api/keys': { method: 'GET', answer: ({ request }) => json(200, this.#keys(request)) },
      '/api/formation': {
        method: 'GET',
        answer: async () => {
          if (this.#formation === undefined) throw this.#noFormation()
          return json(200, await this.#formation.state())
        },
      },
      '/healthz': { method: 'GET', answer: async () => healthAnswer(await alive(node)) },
      '/readyz': { method: 'GET', answer: async () => healthAnswer(await ready(node)) },
      '/invalidate': {
        method: 'POST',
        answer: async ({ request }) => {
          this.#authorize(request)
          const { prefix, answer } = await invalidate(node.client, request)
          this.#report.acted({ action: 'invalidate', prefix, peer: peerOf(request) })
          return answer
        },
      },
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that goes away while it is answered.
    response.on('error', () => {})
    request.on('error', () => {})
    try {
      respond(request, response, await this.#answer(request))
    } catch (error) {
      if (response.headersSent) return
      if (error instanceof RequestError) {
        const { status, message, headers } = error
        respond(request, response, { ...text(status, message), headers })
      } else {
        this.#report.failed(error)
        respond(request, response, text(500, 'something is wrong here; the log says what'))
      }
    } finally {
      // A body that nobody wanted must not be taken for the next request.
      request.resume()
    }
  }

  #answer(request: IncomingMessage): Promise<Answer> | Answer {
    const { method = '', headers, url = '' } = request
    if (this.#local && isForeignName(headers)) {
      throw new RequestError(421, 'this page is for its own machine: call it localhost')
    }
    if (isCrossSite(headers)) throw new RequestError(403, 'other sites may not ask here')
    if (url.length > MAX_URL_LENGTH) throw new RequestError(414, 'the address is too long')
    if (!url.startsWith('/')) throw new RequestError(400, 'the address is none of ours')
    const asked = new URL(`http://admin${url}`)
    const route = this.#routes.get(asked.pathname)
    if (route === undefined) throw new RequestError(404, `there is no ${asked.pathname} here`)
    const allowed = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]
    if (!allowed.includes(method)) {
      throw new RequestError(405, `${asked.pathname} takes ${allowed.join(' and ')}`, {
        allow: allowed.join(', '),
      })
    }
    return route.answer({ request, url: asked })
  }

  /** Keys may be seen by who could list them as a client: not if that takes a login, nor from afar. */
  #keys(request: IncomingMessage): KeyState {
    if (!this.#node.dumpEnabled) {
      return { shown: false, reason: 'the server was started with -X', token: false }
    }
    if (this.#local && !this.#node.loginRequired) return rankedKeys(this.#node.client)
    if (this.#token === undefined) {
      const reason = 'from here they need a token: start the server with --admin-token-file'
      return { shown: false, reason, token: false }
    }
    if (request.headers.authorization === undefined) {
      return { shown: false, reason: 'from here they need the token', token: true }
    }
    this.#authorize(request)
    return rankedKeys(this.#node.client)
  }

  async #statisticsOf(target: string): Promise<NodeStatistics> {
    if (this.#formation === undefined) throw this.#noFormation()
    const statistics = await this.#formation.statisticsOf(target)
    if (statistics !== undefined) return statistics
    // As the exporter tells of a server that it can't reach; of others than the formation's nodes it tells nothing.
    const known = (await this.#formation.state()).nodes.some(({ name }) => name === target)
    if (!known) throw new RequestError(404, 'target is no node of the formation')
    return NOTHING_TOLD
  }

  #noFormation(): RequestError {
    return new RequestError(404, 'the server was started without --admin-nodes')
  }

  /** @throws RequestError unless the request has the token. */
  #authorize(request: IncomingMessage): void {
    if (this.#token === undefined) {
      throw new RequestError(403, 'nobody may: the server was started without --admin-token-file')
    }
    if (this.#token.isIn(request.headers)) return
    this.#report.refused({ path: (request.url ?? '').replace(/\?.*/s, ''), peer: peerOf(request) })
    throw new RequestError(401, 'the token of --admin-token-file is asked for', {
      'www-authenticate': 'Bearer realm="memshard"',
    })
  }
}

function healthAnswer({ well, reason }: Health): Answer {
  return text(well ? 200 : 503, reason)
}

function peerOf({ socket }: IncomingMessage): string {
  return `${socket.remoteAddress}:${socket.remotePort}`
}
