// The application: its plugins, its routes, and what holds for all of them. Knows HTTP and Fastify; pages, nodes and sessions
// are others'.
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { Client } from '@memshard/client'
import { cache } from '@memshard/client/fastify'
import { MemshardStore } from '@memshard/client/fastify-session'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { LiveStream } from './live-stream.ts'
import { Live } from './live-view.ts'
import type { NodeProcesses } from './node-processes.ts'
import type { Origin } from './origin.ts'
import { plainPage } from './pages.ts'
import type { LostSession, Visitor } from './personal-parts.ts'
import { isOwnHost, isSameOrigin } from './same-origin.ts'
import { type ServedPage, servedPages } from './served-page.ts'
import {
  countVisit,
  putIntoBasket,
  SESSION_COOKIE,
  SESSION_PREFIX,
  SESSION_SECONDS,
  sessionKeyOf,
} from './sessions.ts'
import { staticFiles } from './static-files.ts'
import { TrafficWatch } from './traffic-watch.ts'
import { Visitors } from './visitors.ts'

const HOST = '127.0.0.1'
/** Forms are short. */
const MAX_BODY_BYTES = 1024

const PAGE_PATH = /^\/(plants\/[a-z-]+)?$/

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** Listens on loopback. Resolves to the application; its address is `url`. */
export async function startApp(
  processes: NodeProcesses,
  origin: Origin,
  port: number,
): Promise<{ readonly app: FastifyInstance; readonly url: string }> {
  const app = fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true })
  await app.register(cache, {
    nodes: processes.specs,
    // The keys of a node that is down are the others' until it is back. That is right where an older value does no harm: a
    // node that was only out of reach comes back with what it had.
    onNodeDown: 'rehash',
    // On one machine a connection that is lost or refused says all there is to say; late answers say that it is busy.
    failures: 1,
    timeout: 1_000,
    probe: { min: 100, max: 500 },
  })
  const home = new Client({ nodes: processes.specs })
  const watch = new TrafficWatch(app.cache, (key) => home.locate(key)?.name)
  const pages = servedPages(origin)
  const visitors = new Visitors([...pages.keys()])
  const live = new Live({
    cache: app.cache,
    home,
    processes,
    watch,
    hasVisitors: () => visitors.here,
  })
  const stream = new LiveStream(() => live.view())
  let ownPort = port
  const url = (): string => `http://${HOST}:${ownPort}`

  app.addHook('preClose', async () => {
    await visitors.leave()
    stream[Symbol.dispose]()
  })
  app.addHook('onClose', async () => {
    watch[Symbol.dispose]()
    await home.close()
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    if (!isOwnHost(request.headers, ownPort)) {
      return reply.code(421).send('This application is for this machine alone.')
    }
    if (request.method === 'POST' && !isSameOrigin(request.headers)) {
      return reply.code(403).send('Only pages of this application may ask for this.')
    }
    return undefined
  })
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.setNotFoundHandler((_, reply) =>
    sendHtml(reply.code(404), plainPage('Not found', 'There is no such page.').markup),
  )
  app.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) process.stderr.write(`${error.stack}\n`)
    const text = status >= 500 ? 'The page could not be made. Try again.' : error.message
    return sendHtml(reply.code(status), plainPage('That did not work', text).markup)
  })

  for (const { path, type, etag, body } of staticFiles()) {
    app.get(path, (request, reply) => {
      reply.headers({ etag, 'cache-control': 'no-cache' })
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      return reply.type(type).send(body)
    })
  }
  app.get('/live', (_, reply) => {
    if (!stream.hasRoom) return reply.code(503).send('Too many look at it.')
    // From here on it is the stream's.
    stream.add(reply.hijack().raw)
    return reply
  })
  await app.register(async (inner) => {
    await inner.register(cookie)
    await inner.register(session, {
      secret: randomBytes(32).toString('hex'),
      cookieName: SESSION_COOKIE,
      cookie: {
        httpOnly: true,
        sameSite: 'lax',
        path: '/',
        maxAge: SESSION_SECONDS * 1000,
        // Set on HTTPS; there is none on loopback.
        secure: false,
      },
      store: new MemshardStore({
        client: app.cache,
        prefix: SESSION_PREFIX,
        // A cache that can't be reached for a moment costs a visitor the basket, not the page.
        onFailure: 'no session',
      }),
    })
    routePages(inner, pages, home, processes, live)
  })
  routeNodes(app, processes, stream)
  app.post<{ Body: { here?: string } }>('/visitors', async (request, reply) => {
    if (request.body?.here === 'yes') visitors.come(url())
    else await visitors.leave()
    stream.send()
    return goBack(request, reply)
  })
  await app.listen({ host: HOST, port })
  ownPort = (app.server.address() as AddressInfo).port
  return { app, url: url() }
}

function routePages(
  app: FastifyInstance,
  pages: ReadonlyMap<string, ServedPage>,
  home: Client,
  processes: NodeProcesses,
  live: Live,
): void {
  const visitorOf = (request: FastifyRequest): Visitor => {
    const presented = sessionKeyOf(request.cookies[SESSION_COOKIE])
    const isNew = countVisit(request.session)
    const key = SESSION_PREFIX + request.session.sessionId
    return {
      visits: request.session.visits ?? 1,
      basket: request.session.basket ?? [],
      node: app.cache.locate(key)?.name,
      lost: isNew && presented !== undefined ? lostSession(presented) : undefined,
    }
  }
  const lostSession = (key: string): LostSession => {
    const node = home.locate(key)?.name
    return { node, downAt: processes.status.find(({ name }) => name === node)?.downAt }
  }
  for (const page of pages.values()) {
    const base = page.path === '/' ? '' : page.path
    app.get<{ Querystring: { cache?: string } }>(page.path, async (request, reply) => {
      const cached = request.query.cache !== 'off'
      const text = await page.serve(app.cache, cached, visitorOf(request), live.formation())
      return sendHtml(reply, text)
    })
    app.post<{ Querystring: { what?: string } }>(`${base}/forget`, async (request, reply) => {
      await page.forget(app.cache, request.query.what === 'all')
      return reply.redirect(page.path, 303)
    })
    if (base === '') continue
    app.post(`${base}/basket`, async (request, reply) => {
      putIntoBasket(request.session, base.slice('/plants/'.length))
      return reply.redirect(page.path, 303)
    })
  }
}

function routeNodes(app: FastifyInstance, processes: NodeProcesses, stream: LiveStream): void {
  const change = (verb: string, make: (index: number) => Promise<void>): void => {
    app.post<{ Params: { number: string } }>(`/nodes/:number/${verb}`, async (request, reply) => {
      const index = Number(/^\d$/.exec(request.params.number)?.[0] ?? 0) - 1
      if (processes.status[index] === undefined) {
        return reply.code(404).send(`There is no node ${request.params.number}.`)
      }
      await make(index)
      stream.send()
      return goBack(request, reply)
    })
  }
  change('kill', (index) => processes.kill(index))
  change('revive', (index) => processes.revive(index))
}

/** To the page that the form is on, which is one of ours. */
function goBack(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { referer, host } = request.headers
  const url = URL.canParse(referer ?? '') ? new URL(referer!) : undefined
  const isOurs = url?.host === host && PAGE_PATH.test(url?.pathname ?? '')
  return reply.redirect(isOurs ? url!.pathname : '/', 303)
}

/** Each visitor's own: the cache of the application has it, that of a proxy must not. */
function sendHtml(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(text)
}
