// The response cache as middleware of Express, and of what takes its middleware (connect, Polka). Knows their requests.
import { IncomingMessage, ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import { Exchange } from './exchange.ts'
import type { HttpCache } from './http-cache.ts'
import { hideConditions, requestOf, send, watch } from './node-response.ts'
import { begin } from './refreshing.ts'

/** What Express adds to a request of Node's. */
type Incoming = IncomingMessage & {
  readonly originalUrl?: string
  readonly protocol?: string
  readonly app?: unknown
}

export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/** After that nobody waits for a response behind one that was sent. */
const REFRESH_TIMEOUT_MS = 30_000

/** `app.use(expressCache(pages))`, before all that writes responses. */
export function expressCache(cache: HttpCache): Middleware {
  return (request, response, next) => {
    serve(cache, request as Incoming, response, next).catch(next)
  }
}

async function serve(
  cache: HttpCache,
  message: Incoming,
  response: ServerResponse,
  next: () => void,
): Promise<void> {
  const isEncrypted = 'encrypted' in message.socket && message.socket.encrypted === true
  const scheme = message.protocol ?? (isEncrypted ? 'https' : 'http')
  const request = requestOf(message, scheme, message.originalUrl ?? message.url ?? '/')
  const { app } = message
  const askAgain =
    typeof app === 'function' ? () => ask(app as Listener, message, request.url) : undefined
  const begun = await begin(cache, request, askAgain)
  if (!(begun instanceof Exchange)) {
    send(response, begun)
    return
  }
  hideConditions(message, begun)
  cache.track(response, begun)
  watch(response, begun)
  next()
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** The same request again, to a client that takes everything and keeps nothing. */
function ask(app: Listener, message: Incoming, url: string): Promise<void> {
  const client = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const { remoteAddress, remotePort } = message.socket
  const encrypted = 'encrypted' in message.socket && message.socket.encrypted
  const socket = Object.assign(client, { remoteAddress, remotePort, encrypted })
  const request = new IncomingMessage(socket as never)
  request.method = 'GET'
  request.url = url
  request.headers = { ...message.headers }
  request.rawHeaders = [...message.rawHeaders]
  request.push(null)
  const response = new ServerResponse(request)
  response.assignSocket(socket as never)
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => client.destroy(), REFRESH_TIMEOUT_MS).unref()
    const done = (): void => {
      clearTimeout(timer)
      client.destroy()
      resolve()
    }
    client.on('error', reject)
    response.once('finish', done).once('close', done)
    app(request, response)
  })
}
