// The admin port: HTTP for scrapers, supervisors and people. Knows which path is whose, who may ask, and what a
// request may cost; what is answered is made in the files it names.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isCrossSite, isForeignName, isLoopback, Token } from './access.ts'
import { alive, type Health, type Probed, ready } from './health.ts'
import { type Answer, RequestError, respond, text } from './http-exchange.ts'
import type { InProcessClient } from './in-process-client.ts'
import { invalidate } from './invalidate.ts'
import { METRICS_CONTENT_TYPE, metricsText } from './metrics.ts'
import { readStatistics } from './node-statistics.ts'

export interface AdminAddress {
  /** A name or an address; undefined is every interface. */
  readonly host: string | undefined
  /** 0 lets the system choose. */
  readonly port: number
}

/** The node that is administered. */
export interface AdministeredNode extends Probed {
  readonly client: InProcessClient
}

export interface AdminOptions {
  readonly address: AdminAddress
  /** What those who change something, or read keys from afar, have to know; undefined: nobody may. */
  readonly token: string | undefined
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
  readonly #routes: ReadonlyMap<string, Route>
  #token: Token | undefined

  constructor(node: AdministeredNode, { address, token, report }: AdminOptions) {
    this.#node = node
    this.#report = report
    this.#address = address
    this.#local = address.host !== undefined && isLoopback(address.host)
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
    const { address, port: given, family } = this.#http.address() as AddressInfo
    return family === 'IPv6' ? `[${address}]:${given}` : `${address}:${given}`
  }

  close(): void {
    this.#http.close()
    this.#http.closeAllConnections()
  }

  #table(): Readonly<Record<string, Route>> {
    const node = this.#node
    return {
      '/metrics': {
        method: 'GET',
        answer: async () => ({
          status: 200,
          type: METRICS_CONTENT_TYPE,
          body: await metricsText(readStatistics(node.client)),
        }),
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

  /** @throws RequestError unless the request has the token. */
  #authorize(request: IncomingMessage): void {
    if (this.#token === undefined) {
      throw new RequestError(403, 'nobody may: the server was started without --admin-token-file')
    }
    if (this.#token.isIn(request.headers)) return
    this.#report.refused({ path: request.url ?? '', peer: peerOf(request) })
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
