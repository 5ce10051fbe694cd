// The admin port of the proxy: HTTP for scrapers and supervisors. Knows which path is whose, who may ask, and what a
// request may cost; changes nothing, whoever asks. Loaded for those who want it alone.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ProxySnapshot } from '../snapshot.ts'
import { isCrossSite, isForeignName, isLoopback } from './admin-access.ts'
import type { AdminAddress } from './admin-address.ts'
import { METRICS_CONTENT_TYPE, metricsText } from './metrics.ts'

/** The proxy that is told of. */
export interface AdministeredProxy {
  snapshot(): Promise<ProxySnapshot>
  /** Resolves to why clients should not come now, in a few words; undefined: they may. */
  unready(): Promise<string | undefined>
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const MAX_CONNECTIONS = 64
const MAX_HEADER_BYTES = 8 * 1024
const MAX_URL_LENGTH = 2048
const HEADERS_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 30_000
const CHECK_TIMEOUTS_MS = 1_000

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

export class AdminServer {
  readonly address: AdminAddress
  readonly #proxy: AdministeredProxy
  readonly #http: Server
  readonly #isLocal: boolean
  readonly #routes: ReadonlyMap<string, () => Promise<Answer> | Answer>

  /** Resolves when it listens. Rejects with what the system says. */
  static async open(address: AdminAddress, proxy: AdministeredProxy): Promise<AdminServer> {
    const admin = new AdminServer(address, proxy)
    admin.#http.listen({ host: address.host, port: address.port })
    await once(admin.#http, 'listening')
    // Running out of descriptors ends one connection, not the port.
    admin.#http.on('error', () => {})
    return admin
  }

  private constructor(address: AdminAddress, proxy: AdministeredProxy) {
    this.address = address
    this.#proxy = proxy
    this.#isLocal = address.host !== undefined && isLoopback(address.host)
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
    // What no parser understands is answered without it; there is nobody else to tell.
    this.#http.on('clientError', (_, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
      else socket.destroy()
    })
  }

  /** Where it really listens, in words. */
  get actual(): string {
    const { address, port, family } = this.#http.address() as AddressInfo
    return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
  }

  close(): void {
    this.#http.close()
    this.#http.closeAllConnections()
  }

  #table(): Readonly<Record<string, () => Promise<Answer> | Answer>> {
    return {
      '/metrics': async () => ({
        status: 200,
        type: METRICS_CONTENT_TYPE,
        body: await metricsText(await this.#proxy.snapshot()),
      }),
      // That this is answered shows that the one thread isn't stuck.
      '/healthz': () => text(200, 'serving'),
      '/readyz': async () => {
        const reason = await this.#proxy.unready()
        return reason === undefined ? text(200, 'serving') : text(503, reason)
      },
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that goes away while it is answered.
    response.on('error', () => {})
    request.on('error', () => {})
    const { status, type, body, headers } = await this.#answer(request)
    response.writeHead(status, {
      ...HEADERS,
      'content-type': type,
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    })
    response.end(request.method === 'HEAD' ? undefined : body)
    // A body that nobody wanted must not be taken for the next request.
    request.resume()
  }

  #answer({ method = '', headers, url = '' }: IncomingMessage): Promise<Answer> | Answer {
    if (this.#isLocal && isForeignName(headers)) {
      return text(421, 'this port is for its own machine: call it localhost')
    }
    if (isCrossSite(headers)) return text(403, 'other sites may not ask here')
    if (url.length > MAX_URL_LENGTH) return text(414, 'the address is too long')
    if (!url.startsWith('/')) return text(400, 'the address is none of ours')
    const { pathname } = new URL(`http://admin${url}`)
    const route = this.#routes.get(pathname)
    if (route === undefined) return text(404, `there is no ${pathname} here`)
    if (method === 'GET' || method === 'HEAD') return route()
    const allow = { allow: 'GET, HEAD' }
    return { ...text(405, `${pathname} takes GET and HEAD`), headers: allow }
  }
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}
