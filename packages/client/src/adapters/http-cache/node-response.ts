// A response of Node's HTTP server while the application writes it: what is sent is told to the exchange, and may be something
// else than what was written. Works below every framework that writes to such a response. Knows no framework.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Headers, headerText } from './cache-control.ts'
import type { Answer, Exchange, Reply } from './exchange.ts'
import type { CacheableRequest } from './request.ts'

/** Headers that say whether a response may be stored. */
const DECIDING = ['cache-control', 'set-cookie', 'vary']

type Written = [chunk?: unknown, encoding?: unknown, callback?: unknown]

export function requestOf(message: IncomingMessage, scheme: string, url: string): CacheableRequest {
  return {
    method: message.method ?? 'GET',
    scheme,
    // HTTP/2 has the one for the other.
    host: message.headers.host ?? headerText(message.headers[':authority']),
    url,
    // A copy: conditions are hidden from the application.
    headers: { ...message.headers },
  }
}

/** What the application need not know, because the cache answers it. */
export function hideConditions(message: IncomingMessage, exchange: Exchange): void {
  for (const name of exchange.hides) delete message.headers[name]
}

/** Sends a response instead of whatever the application would have sent. */
export function send(response: ServerResponse, reply: Reply): void {
  response.statusCode = reply.status
  setHeaders(response, reply.headers)
  response.end(reply.body)
}

/** Watches a response that nothing was written to yet. */
export function watch(response: ServerResponse, exchange: Exchange): void {
  const { writeHead, write, end } = response
  const headersBefore = { ...response.getHeaders() } as Headers
  let answer: Answer | undefined
  let statusAnswered = 0
  /** Set while what is written is not sent. */
  let instead: Reply | undefined

  response.writeHead = ((status: number, ...rest: unknown[]) => {
    if (answer !== undefined) {
      // The application had something else to say after all, like that it failed.
      unmute()
      return Reflect.apply(writeHead, response, [status, ...rest])
    }
    const reason = typeof rest[0] === 'string' ? [rest.shift()] : []
    setHeaders(response, rest[0])
    response.statusCode = status
    statusAnswered = status
    answer = exchange.respond(status, response.getHeaders() as Headers)
    instead = answer.instead
    if (instead !== undefined) return response
    setHeaders(response, answer.headers)
    Reflect.apply(writeHead, response, [status, ...reason])
    exchange.sent(response.getHeaders() as Headers)
    return response
  }) as typeof writeHead

  response.write = ((...written: Written) => {
    if (answer === undefined && !response.headersSent) response.writeHead(response.statusCode)
    if (instead !== undefined && response.statusCode !== statusAnswered) unmute()
    const [chunk, encoding] = written
    answer?.recording?.write(chunk, textEncoding(encoding))
    if (instead === undefined) return Reflect.apply(write, response, written)
    callLater(written)
    return true
  }) as typeof write

  response.end = ((...written: Written) => {
    const [chunk, encoding] = typeof written[0] === 'function' ? [] : written
    if (answer === undefined && !response.headersSent) {
      setLength(response, chunk, textEncoding(encoding))
      // By the name, so that all who wait for this moment have their say before.
      response.writeHead(response.statusCode)
    }
    if (instead !== undefined && response.statusCode !== statusAnswered) unmute()
    if (chunk !== undefined && chunk !== null) {
      answer?.recording?.write(chunk, textEncoding(encoding))
    }
    const reply = instead as Reply | undefined
    if (reply !== undefined) sendHead(reply)
    if (response.destroyed) exchange.abandon()
    else void exchange.finish()
    if (reply === undefined) return Reflect.apply(end, response, written)
    callLater(written)
    return Reflect.apply(end, response, reply.body === undefined ? [] : [reply.body])
  }) as typeof end

  response.once('close', () => exchange.abandon())

  function sendHead(reply: Reply): void {
    instead = undefined
    const headersMade = response.getHeaders() as Headers
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    setHeaders(response, { ...headersBefore, ...reply.headers })
    response.statusCode = reply.status
    response.statusMessage = ''
    Reflect.apply(writeHead, response, [reply.status])
    // Who comes last has had their say about what is stored here, too.
    const said = Object.entries(response.getHeaders()).filter(([name]) => DECIDING.includes(name))
    exchange.sent({ ...headersMade, ...Object.fromEntries(said) })
  }

  function unmute(): void {
    if (instead === undefined) return
    instead = undefined
    exchange.abandon()
  }
}

/** What Node does by itself, but only when it is the first to see the end. */
function setLength(response: ServerResponse, chunk: unknown, encoding?: BufferEncoding): void {
  const { statusCode } = response
  if (statusCode < 200 || statusCode === 204 || statusCode === 304) return
  if (response.hasHeader('content-length') || response.hasHeader('transfer-encoding')) return
  if (typeof chunk === 'string') {
    response.setHeader('content-length', Buffer.byteLength(chunk, encoding))
  } else if (chunk instanceof Uint8Array) response.setHeader('content-length', chunk.byteLength)
}

/** In any of the forms that writeHead takes. */
function setHeaders(response: ServerResponse, headers: unknown): void {
  if (headers === undefined || headers === null) return
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers as Headers)) {
      if (value !== undefined) response.setHeader(name, value)
    }
    return
  }
  const pairs = Array.isArray(headers[0])
    ? headers
    : Array.from({ length: headers.length / 2 }, (_, index) =>
        headers.slice(index * 2, index * 2 + 2),
      )
  const names = new Set<string>()
  for (const [name, value] of pairs) {
    const key = headerText(name).toLowerCase()
    if (names.has(key)) response.appendHeader(name, value)
    else response.setHeader(name, value)
    names.add(key)
  }
}

function textEncoding(encoding: unknown): BufferEncoding | undefined {
  return typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined
}

function callLater(written: Written): void {
  const callback = written.find((argument) => typeof argument === 'function')
  if (callback !== undefined) process.nextTick(callback as () => void)
}
