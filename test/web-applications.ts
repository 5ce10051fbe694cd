// Small applications in Express, Fastify and Hono that all do the same, each on a port of its own; and who asks them. Knows nothing
// of what is tested with them.
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { serve } from '@hono/node-server'
import type { HttpCache } from '@memshard/client/http-cache'
import { expressCache } from '@memshard/client/http-cache/express'
import { fastifyCache } from '@memshard/client/http-cache/fastify'
import { honoCache } from '@memshard/client/http-cache/hono'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** HttpCache.tag for this response. */
  tag(...tags: string[]): Promise<void>
}

export interface Made {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer | AsyncIterable<Buffer>
}

export type Handler = (asked: Asked) => Made | Promise<Made>

export interface Application extends AsyncDisposable {
  readonly port: number
}

export const FRAMEWORKS = ['Express', 'Fastify', 'Hono'] as const
type Framework = (typeof FRAMEWORKS)[number]

export async function startApplication(
  framework: Framework,
  cache: HttpCache,
  handle: Handler,
): Promise<Application> {
  return { Express: inExpress, Fastify: inFastify, Hono: inHono }[framework](cache, handle)
}

async function inExpress(cache: HttpCache, handle: Handler): Promise<Application> {
  const app = express()
  app.set('env', 'test').set('trust proxy', 'loopback')
  app.use(expressCache(cache))
  app.use(async (asked, response) => {
    const { method, url, headers } = asked
    const tag = (...tags: string[]) => cache.tag(response, ...tags)
    const made = await handle({ method, url, headers, tag })
    response.status(made.status ?? 200).set(made.headers ?? {})
    if (isStream(made.body))
      streamOf(made.body)
        .on('error', () => response.destroy())
        .pipe(response)
    else response.send(made.body)
  })
  return listening(createServer(app))
}

async function inFastify(cache: HttpCache, handle: Handler): Promise<Application> {
  const app = fastify({ forceCloseConnections: true, trustProxy: 'loopback' })
  await app.register(fastifyCache, { cache })
  app.all('/*', async (asked, reply) => {
    const { method, url, headers } = asked
    const tag = (...tags: string[]) => cache.tag(reply, ...tags)
    const made = await handle({ method, url, headers, tag })
    reply.code(made.status ?? 200).headers(made.headers ?? {})
    return reply.send(isStream(made.body) ? streamOf(made.body) : made.body)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return { port, [Symbol.asyncDispose]: () => app.close() }
}

async function inHono(cache: HttpCache, handle: Handler): Promise<Application> {
  const app = new Hono()
  app.use(honoCache(cache, { fetch: (request) => app.fetch(request) }))
  app.all('/*', async (context) => {
    const { method, url, raw } = context.req
    const { pathname, search } = new URL(url)
    const headers = Object.fromEntries(raw.headers)
    const tag = (...tags: string[]) => cache.tag(context, ...tags)
    const made = await handle({ method, url: pathname + search, headers, tag })
    const body = isStream(made.body) ? Readable.toWeb(streamOf(made.body)) : made.body
    return new Response(body as string, {
      status: made.status ?? 200,
      headers: made.headers ?? {},
    })
  })
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ port, [Symbol.asyncDispose]: () => closed(server as never) }),
    )
  })
}

export function listening(server: ReturnType<typeof createServer>): Promise<Application> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      resolve({ port, [Symbol.asyncDispose]: () => closed(server) })
    })
  })
}

function closed(server: ReturnType<typeof createServer>): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

function isStream(body: Made['body']): body is AsyncIterable<Buffer> {
  return body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
}

function streamOf(body: AsyncIterable<Buffer>): Readable {
  return Readable.from(body, { objectMode: false })
}

export interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string
  /** Goes away when the first bytes of the body are there. */
  readonly leaves?: boolean
}

/** One request, with no header that is not said. Rejects when the response is cut off. */
export function ask({ port }: Application, path: string, asking: Asking = {}): Promise<Got> {
  const { method = 'GET', headers = {}, body, leaves = false } = asking
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
    asked.on('error', reject)
    asked.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk) => {
        chunks.push(chunk)
        if (leaves) asked.destroy(new Error('the client has left'))
      })
      response.on('end', () => {
        const whole = Buffer.concat(chunks)
        const { statusCode = 0 } = response
        resolve({ status: statusCode, headers: response.headers, body: whole, text: String(whole) })
      })
    })
    asked.end(body)
  })
}
