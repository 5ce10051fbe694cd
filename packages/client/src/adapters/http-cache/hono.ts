// The response cache as middleware of Hono. Knows its context; requests and responses are those of the Fetch standard.
import type { Context, MiddlewareHandler } from 'hono'
import type { Headers as PlainHeaders } from './cache-control.ts'
import { Exchange, type Recording, type Reply } from './exchange.ts'
import type { HttpCache } from './http-cache.ts'
import { begin } from './refreshing.ts'
import type { CacheableRequest } from './request.ts'

export interface HonoCacheOptions {
  /**
   * `(request) => app.fetch(request)`: asks the application for a new response behind an old one that is sent. Without it the
   * request that finds the old one waits.
   */
  readonly fetch?: (request: Request) => Response | Promise<Response>
}

/** `app.use(honoCache(pages))`, before all that makes responses. */
export function honoCache(cache: HttpCache, { fetch }: HonoCacheOptions = {}): MiddlewareHandler {
  return async (context, next) => {
    const asked = requestOf(context)
    const again = fetch && (() => askAgain(fetch, context.req.raw))
    const begun = await begin(cache, asked, again)
    if (!(begun instanceof Exchange)) return responseOf(begun)
    hideConditions(context, begun)
    cache.track(context, begun)
    try {
      await next()
    } catch (error) {
      begun.abandon()
      throw error
    }
    const made = context.res
    const answer = begun.respond(made.status, plain(made.headers))
    const recorded = body(made, begun, answer.recording)
    // A response is merged with the one before otherwise.
    context.res = undefined
    if (answer.instead === undefined) {
      const response = new Response(recorded, made)
      for (const [name, value] of Object.entries(answer.headers)) {
        if (value !== undefined) response.headers.set(name, String(value))
      }
      context.res = response
    } else {
      void drain(recorded)
      context.res = responseOf(answer.instead)
    }
    return undefined
  }
}

function requestOf({ req }: Context): CacheableRequest {
  const url = new URL(req.url)
  const headers = plain(req.raw.headers)
  return {
    method: req.method,
    scheme: url.protocol.slice(0, -1),
    host: url.host,
    url: url.pathname + url.search,
    headers,
  }
}

function hideConditions({ req }: Context, { hides }: Exchange): void {
  if (!hides.some((name) => req.raw.headers.has(name))) return
  const headers = new Headers(req.raw.headers)
  for (const name of hides) headers.delete(name)
  req.raw = new Request(req.raw, { headers })
}

async function askAgain(
  fetch: NonNullable<HonoCacheOptions['fetch']>,
  request: Request,
): Promise<void> {
  const response = await fetch(new Request(request.url, { headers: request.headers }))
  await drain(response.body)
}

function plain(headers: Headers): PlainHeaders {
  const all: Record<string, string | string[]> = Object.fromEntries(headers)
  const cookies = headers.getSetCookie()
  return cookies.length === 0 ? all : { ...all, 'set-cookie': cookies }
}

function responseOf({ status, headers, body }: Reply): Response {
  const sent = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined) sent.append(name, String(each))
    }
  }
  return new Response(body as Uint8Array<ArrayBuffer> | undefined, { status, headers: sent })
}

/** The same body, of which the exchange learns as it is read. */
function body(
  response: Response,
  exchange: Exchange,
  recording: Recording | undefined,
): ReadableStream<Uint8Array> | null {
  if (response.body === null) void exchange.finish()
  if (response.body === null || recording === undefined) return response.body
  const reader = response.body.getReader()
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          void exchange.finish()
          controller.close()
          return
        }
        recording.write(value)
        controller.enqueue(value)
      } catch (error) {
        exchange.abandon()
        controller.error(error)
      }
    },
    cancel(reason) {
      exchange.abandon()
      return reader.cancel(reason)
    },
  })
}

/** Reads it to its end, for nobody. */
async function drain(stream: ReadableStream<Uint8Array> | null): Promise<void> {
  try {
    for await (const _ of stream ?? []);
  } catch {
    // The exchange has learnt of it.
  }
}
