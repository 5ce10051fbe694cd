// Requests and answers of the admin port: what a route is given and gives back, the headers that every answer has, and
// how a body is read within its bound. Knows no route.
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** The request can't be answered as it is; the message tells whoever made it why. */
export class RequestError extends Error {
  readonly code = 'ERR_MEMSHARD_ADMIN_REQUEST'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

const MAX_BODY_BYTES = 4 * 1024

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}

export function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

export function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) }
}

export function respond(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status, type, body, headers } = answer
  const length = String(Buffer.byteLength(body))
  response.writeHead(status, {
    ...HEADERS,
    'content-type': type,
    'content-length': length,
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** The fields of a body: of a form, or of a JSON object. @throws RequestError */
export async function bodyFields(request: IncomingMessage): Promise<ReadonlyMap<string, string>> {
  const body = await bodyOf(request)
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase()
  if (type === 'application/x-www-form-urlencoded') return new Map(new URLSearchParams(body))
  if (type !== 'application/json') {
    throw new RequestError(415, 'send a form (application/x-www-form-urlencoded) or a JSON object')
  }
  try {
    const fields: unknown = JSON.parse(body)
    const texts = Object.entries(fields ?? {}).filter(([, value]) => typeof value === 'string')
    return new Map(texts as [string, string][])
  } catch {
    throw new RequestError(400, 'the body is no JSON object')
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) {
      throw new RequestError(413, `the body may have ${MAX_BODY_BYTES} bytes`, {
        connection: 'close',
      })
    }
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
