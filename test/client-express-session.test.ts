// The store as express-session uses it, over a node of ours: whole requests with cookies, and each method's contract.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Client, MemshardError } from '@memshard/client'
import { MemshardStore } from '@memshard/client/express-session'
import express from 'express'
import session, { type SessionData } from 'express-session'
import { describe, expect, test } from 'vitest'
import { shareCache } from './shared-cache.ts'

declare module 'express-session' {
  interface SessionData {
    visits: number
  }
}

let client: Client
shareCache({}, (cache) => {
  client = cache.client
})

/** A session as express-session hands it to stores. */
function sessionFor(milliseconds: number | undefined, visits = 1): SessionData {
  const cookie = new session.Cookie()
  if (milliseconds !== undefined) cookie.maxAge = milliseconds
  return { cookie, visits }
}

/** A method's result, of those that end with a callback. */
function called<T>(
  call: (callback: (error: unknown, result?: T) => void) => void,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error == null ? resolve(result) : reject(error)))
  })
}

describe('an application', () => {
  test('keeps sessions over requests and processes, renews them, and ends them', async () => {
    const first = await listen(new MemshardStore({ client, prefix: 'app:' }))
    const second = await listen(new MemshardStore({ client, prefix: 'app:' }))
    try {
      const browser = new Browser()
      expect(await browser.get(`${first.url}/visit`)).toBe('1')
      expect(await browser.get(`${second.url}/visit`)).toBe('2')
      expect(await browser.get(`${first.url}/visit`)).toBe('3')
      expect(await new Browser().get(`${first.url}/visit`)).toBe('1')
      expect(await browser.get(`${first.url}/leave`)).toBe('left')
      expect(await browser.get(`${second.url}/visit`)).toBe('1')
    } finally {
      await Promise.all([first.close(), second.close()])
    }
  })

  test('is told when the cache fails, and not made to wait', async () => {
    const broken = new Client({ nodes: ['127.0.0.1:1'], timeout: 100, onNodeDown: 'error' })
    const well = await listen(new MemshardStore({ client }))
    const app = await listen(new MemshardStore({ client: broken }))
    try {
      const browser = new Browser()
      await browser.get(`${well.url}/visit`)
      expect(await browser.get(`${app.url}/visit`)).toMatch(/NodeDownError|ConnectionError/)
      expect(browser.status).toBe(500)
    } finally {
      await Promise.all([well.close(), app.close(), broken.close()])
    }
  })
})

describe('an application whose sessions may fail', () => {
  const broken = (): Client =>
    new Client({ nodes: ['127.0.0.1:1'], timeout: 100, onNodeDown: 'error' })

  test('goes on without one, and tells why', async () => {
    await using cache = broken()
    const errors: unknown[] = []
    const app = await listen(
      new MemshardStore({
        client: cache,
        onFailure: 'no session',
        onError: (error) => errors.push(error),
      }),
    )
    try {
      const browser = new Browser()
      for (let request = 0; request < 2; request++) {
        expect(await browser.get(`${app.url}/visit`)).toBe('1')
        expect(browser.status).toBe(200)
      }
      // The first had no cookie to look up.
      expect(errors).toHaveLength(3)
      for (const error of errors) expect(error).toBeInstanceOf(MemshardError)
    } finally {
      await app.close()
    }
  })

  test('is told when a session could not be ended', async () => {
    await using cache = broken()
    const store = new MemshardStore({ client: cache, onFailure: 'no session' })
    expect(await called((done) => store.get('s', done))).toBeNull()
    await called((done) => store.set('s', sessionFor(60_000), done))
    await called((done) => store.touch('s', sessionFor(60_000), done))
    await expect(called((done) => store.destroy('s', done))).rejects.toThrow(MemshardError)
    await expect(called((done) => store.clear(done))).rejects.toThrow(MemshardError)
  })

  test('says which ways there are', () => {
    const onFailure = 'silence' as 'error'
    expect(() => new MemshardStore({ client, onFailure })).toThrow(/give 'error' or 'no session'/)
  })
})

describe('the store', () => {
  const store = (): MemshardStore => new MemshardStore({ client, prefix: 'contract:' })

  test('has null for a session that is not there', async () => {
    expect(await called((done) => store().get('nobody', done))).toBeNull()
  })

  test('keeps what JSON keeps of a session', async () => {
    await called((done) => store().set('kept', sessionFor(60_000, 7), done))
    const kept = await called<SessionData | null>((done) => store().get('kept', done))
    expect(kept?.visits).toBe(7)
    expect(kept?.cookie.originalMaxAge).toBe(60_000)
  })

  test.each([
    ['its cookie', 60_000, 60],
    ['a browser session, by the option', undefined, 3600],
  ])('lets it live as long as %s', async (_, maxAge, seconds) => {
    const sessions = new MemshardStore({ client, prefix: 'life:', ttl: 3600 })
    await called((done) => sessions.set('s', sessionFor(maxAge), done))
    const { ttl } = (await client.getEntry('life:s')) ?? {}
    expect(ttl).toBeGreaterThan(seconds - 5)
    expect(ttl).toBeLessThanOrEqual(seconds)
  })

  test('touches without writing what others have written meanwhile', async () => {
    await called((done) => store().set('touched', sessionFor(5_000, 1), done))
    const old = sessionFor(100_000, 1)
    await called((done) => store().set('touched', sessionFor(5_000, 2), done))
    await called((done) => store().touch('touched', old, done))
    const now = await called<SessionData | null>((done) => store().get('touched', done))
    expect(now?.visits).toBe(2)
    expect((await client.getEntry('contract:touched'))?.ttl).toBeGreaterThan(90)
  })

  test('forgets a session whose cookie has expired, and one that is destroyed', async () => {
    await called((done) => store().set('over', sessionFor(60_000), done))
    await called((done) => store().set('over', sessionFor(-1), done))
    expect(await called((done) => store().get('over', done))).toBeNull()
    await called((done) => store().set('ended', sessionFor(60_000), done))
    await called((done) => store().destroy('ended', done))
    expect(await called((done) => store().get('ended', done))).toBeNull()
  })

  test('clears its own sessions and nothing else', async () => {
    await called((done) => store().set('one', sessionFor(60_000), done))
    await client.set('other', 'kept')
    await called((done) => store().clear(done))
    expect(await called((done) => store().get('one', done))).toBeNull()
    expect(await client.get('other')).toBe('kept')
  })

  test('refuses a time to live that is none', () => {
    expect(() => new MemshardStore({ client, ttl: 0 })).toThrow(/ttl is 0/)
  })
})

interface App {
  readonly url: string
  close(): Promise<void>
}

async function listen(store: MemshardStore): Promise<App> {
  const app = express()
  const options = { secret: 'of a test', resave: false, saveUninitialized: true, store }
  app.use(session({ ...options, cookie: { maxAge: 60_000 } }))
  app.get('/visit', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send(String(request.session.visits))
  })
  app.get('/leave', (request, response) => {
    request.session.destroy(() => response.send('left'))
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

class Browser {
  cookie = ''
  /** Of the last answer. */
  status = 0

  async get(url: string): Promise<string> {
    const response = await fetch(url, { headers: { cookie: this.cookie } })
    this.status = response.status
    const [set] = response.headers.getSetCookie()
    if (set !== undefined) this.cookie = set.split(';')[0] ?? ''
    return await response.text()
  }
}
