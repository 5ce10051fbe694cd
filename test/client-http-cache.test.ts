// Responses of real applications in nodes of ours: what is kept, for whom and how long, and what never is.
import { createServer } from 'node:http'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Client, NodeDownError } from '@memshard/client'
import { HttpCache, type HttpCacheOptions } from '@memshard/client/http-cache'
import { expressCache } from '@memshard/client/http-cache/express'
import express from 'express'
import session from 'express-session'
import { describe, expect, test } from 'vitest'
import { startNode } from './nodes.ts'
import { shareCache } from './shared-cache.ts'
import {
  type Application,
  ask,
  FRAMEWORKS,
  type Handler,
  listening,
  startApplication,
} from './web-applications.ts'

declare module 'express-session' {
  interface SessionData {
    visits: number
  }
}

let client: Client
shareCache({}, (cache) => {
  client = cache.client
})

let caches = 0
function newCache(options: Partial<HttpCacheOptions> = {}): HttpCache {
  const onError = (error: unknown) => expect.soft(error).toBeUndefined()
  return new HttpCache({ client, prefix: `${++caches}:`, waitFor: 30_000, onError, ...options })
}

const FOR_ALL = { 'cache-control': 'public, max-age=100' }
const FRESH = { 'cache-control': 'max-age=100' }
/** The parameters of Cache-Status. */
const HIT = /^memshard; hit; ttl=\d+$/

/** Says how often it was asked. */
function counting(headers: Record<string, string>, status = 200): Handler & { times: number } {
  const handle = Object.assign(() => ({ status, headers, body: `answer ${++handle.times}` }), {
    times: 0,
  })
  return handle
}

describe.each(FRAMEWORKS)('in %s', (framework) => {
  const start = (handle: Handler, cache = newCache()): Promise<Application> =>
    startApplication(framework, cache, handle)

  /** Until what was sent is stored, too. */
  async function askUntilHit(app: Application, path: string, headers = {}) {
    let got = await ask(app, path, { headers })
    await expect
      .poll(async () => {
        got = await ask(app, path, { headers })
        return got.headers['cache-status']
      })
      .toMatch(HIT)
    return got
  }

  test('what says how long it is fresh is asked for once', async () => {
    const handle = counting({ ...FRESH, 'content-type': 'text/plain', 'x-own': 'yes' })
    await using app = await start(handle)
    const first = await ask(app, '/page?a=1')
    expect(first.text).toBe('answer 1')
    expect(first.headers['cache-status']).toBe('memshard; fwd=uri-miss; stored')
    const { text, headers, status } = await askUntilHit(app, '/page?a=1')
    expect(text).toBe(`answer ${handle.times}`)
    expect(status).toBe(200)
    expect(headers).toMatchObject({ ...FRESH, 'x-own': 'yes' })
    expect(headers['content-type']).toContain('text/plain')
    expect(headers.age).toMatch(/^\d+$/)
    expect(headers.date).toBeDefined()
    const times = handle.times
    await ask(app, '/page?a=2')
    expect(handle.times).toBe(times + 1)
  })

  test.each([
    [{}],
    [{ 'cache-control': 'no-store, max-age=100' }],
    [{ 'cache-control': 'Private, Max-Age=100' }],
    [{ 'cache-control': 'public, no-cache, max-age=100' }],
    [{ 'cache-control': 'public, max-age=0' }],
    [{ 'cache-control': 'max-age=100, s-maxage=0' }],
    [{ 'cache-control': 'max-age=soon' }],
    [{ expires: '0' }],
    [{ ...FOR_ALL, vary: 'Accept, *' }],
    [{ ...FOR_ALL, 'set-cookie': 'session=secret' }],
    [{ ...FOR_ALL, age: '100' }],
  ])('%j is not stored', async (headers) => {
    const handle = counting(headers)
    await using app = await start(handle)
    for (const times of [1, 2, 3]) {
      const got = await ask(app, '/')
      expect(got.text).toBe(`answer ${times}`)
      expect(got.headers['cache-status']).toBe('memshard; fwd=uri-miss')
    }
  })

  test('no user gets what was made for another', async () => {
    const handle: Handler = ({ headers, url }) => ({
      headers:
        url === '/shared' ? FOR_ALL : url === '/varying' ? { ...FRESH, vary: 'Cookie' } : FRESH,
      body: `for ${headers.cookie ?? headers.authorization ?? 'anybody'}`,
    })
    await using app = await start(handle)
    const asUser = (path: string, headers: Record<string, string>) => ask(app, path, { headers })
    // Says nothing of everybody: nobody with a cookie fills the cache, or is given what others got.
    expect((await asUser('/page', { cookie: 'u=1' })).text).toBe('for u=1')
    expect((await asUser('/page', { authorization: 'Basic 1' })).text).toBe('for Basic 1')
    expect((await ask(app, '/page')).text).toBe('for anybody')
    expect((await askUntilHit(app, '/page')).text).toBe('for anybody')
    const second = await asUser('/page', { cookie: 'u=2' })
    expect(second.text).toBe('for u=2')
    expect(second.headers['cache-status']).toBe('memshard; fwd=request')
    expect((await asUser('/page', { authorization: 'Basic 2' })).text).toBe('for Basic 2')
    expect((await ask(app, '/page')).text).toBe('for anybody')
    // Each has a response of their own.
    expect((await askUntilHit(app, '/varying', { cookie: 'u=1' })).text).toBe('for u=1')
    expect((await asUser('/varying', { cookie: 'u=2' })).text).toBe('for u=2')
    expect((await asUser('/varying', { cookie: 'u=1' })).text).toBe('for u=1')
    // Is for everybody, and says so.
    expect((await askUntilHit(app, '/shared', { cookie: 'u=1' })).text).toBe('for u=1')
    expect((await asUser('/shared', { authorization: 'Basic 2' })).text).toBe('for u=1')
  })

  test('what varies is stored once for each of what it varies by, also when it stops saying so', async () => {
    let isSaid = true
    await using app = await start(({ headers }) => ({
      headers: isSaid ? { ...FOR_ALL, vary: 'Accept-Language' } : FOR_ALL,
      body: `in ${headers['accept-language']}`,
    }))
    const inLanguage = (language: string) => askUntilHit(app, '/', { 'accept-language': language })
    expect((await inLanguage('de')).text).toBe('in de')
    expect((await inLanguage('fr')).text).toBe('in fr')
    expect((await inLanguage('de')).text).toBe('in de')
    isSaid = false
    expect((await inLanguage('it')).text).toBe('in it')
    expect((await inLanguage('de')).text).toBe('in de')
  })

  test('who has the response already is told so', async () => {
    const lastModified = 'Mon, 05 Oct 2020 10:00:00 GMT'
    const handle = counting({ ...FRESH, 'last-modified': lastModified })
    await using app = await start(handle)
    const { headers } = await askUntilHit(app, '/')
    const etag = headers.etag as string
    expect(etag).toMatch(/^(W\/)?".+"$/)
    const strong = etag.replace('W/', '')
    const times = handle.times
    for (const known of [
      { 'if-none-match': etag },
      { 'if-none-match': `"other", W/${strong}` },
      { 'if-none-match': '*' },
      { 'if-modified-since': lastModified },
    ]) {
      const got = await ask(app, '/', { headers: known })
      expect([got.status, got.text, got.headers.etag]).toEqual([304, '', etag])
      expect(got.headers['content-length'] ?? '0').toBe('0')
    }
    for (const unknown of [
      { 'if-none-match': '"other"' },
      // The tag counts, where there is one.
      { 'if-none-match': '"other"', 'if-modified-since': lastModified },
      { 'if-modified-since': 'Sun, 04 Oct 2020 10:00:00 GMT' },
    ]) {
      expect((await ask(app, '/', { headers: unknown })).status).toBe(200)
    }
    expect(handle.times).toBe(times)
  })

  test('a page that only browsers with a copy ask for is stored, too', async () => {
    const handle: Handler & { times: number } = Object.assign(
      ({ headers }: { headers: object }) => {
        handle.times++
        expect.soft(headers).not.toHaveProperty('if-none-match')
        return { headers: { ...FOR_ALL, etag: '"1"' }, body: 'whole' }
      },
      { times: 0 },
    )
    await using app = await start(handle)
    const known = { headers: { 'if-none-match': '"1"' } }
    const first = await ask(app, '/', known)
    expect([first.status, first.text]).toEqual([304, ''])
    expect(first.headers['cache-status']).toBe('memshard; fwd=uri-miss; stored')
    await askUntilHit(app, '/', known.headers)
    expect((await ask(app, '/')).text).toBe('whole')
  })

  test('what the application answers itself, it answers by its own lights', async () => {
    await using app = await start(({ headers }) =>
      headers['if-none-match'] === undefined && headers['if-match'] === undefined
        ? { headers: { 'cache-control': 'no-store', etag: '"1"' }, body: 'whole' }
        : { status: 412 },
    )
    // It says only afterwards that it is not stored.
    expect((await ask(app, '/', { headers: { 'if-none-match': '"1"' } })).status).toBe(304)
    expect((await ask(app, '/', { headers: { 'if-match': '"1"' } })).status).toBe(412)
  })

  test('HEAD is answered from what GET got, and stores nothing', async () => {
    const handle = counting(FOR_ALL)
    await using app = await start(handle)
    expect((await ask(app, '/', { method: 'HEAD' })).headers['cache-status']).toBe(
      'memshard; fwd=uri-miss',
    )
    expect((await ask(app, '/')).headers['cache-status']).toContain('stored')
    const got = await askUntilHit(app, '/')
    const head = await ask(app, '/', { method: 'HEAD' })
    expect(head.headers['cache-status']).toMatch(HIT)
    expect(head.headers['content-length']).toBe(String(got.body.length))
    expect([head.status, head.text, head.headers.etag]).toEqual([200, '', got.headers.etag])
  })

  test('a client says what it takes', async () => {
    const handle = counting(FOR_ALL)
    await using app = await start(handle)
    await askUntilHit(app, '/')
    const asking = async (control: string) =>
      (await ask(app, '/', { headers: { 'cache-control': control } })).headers['cache-status']
    expect(await asking('max-age=50')).toMatch(HIT)
    expect(await asking('min-fresh=50')).toMatch(HIT)
    expect(await asking('only-if-cached')).toMatch(HIT)
    expect(await asking('min-fresh=500')).toBe('memshard; fwd=request; stored')
    expect(await asking('no-cache')).toBe('memshard; fwd=request; stored')
    expect(await asking('max-age=0')).toBe('memshard; fwd=request; stored')
    expect(await asking('no-store')).toBe('memshard; fwd=bypass')
    const other = await ask(app, '/other', { headers: { 'cache-control': 'only-if-cached' } })
    expect(other.status).toBe(504)
  })

  test('parts, bodies and other methods are passed on', async () => {
    const handle = counting(FOR_ALL)
    await using app = await start(handle)
    await askUntilHit(app, '/')
    const status = async (asking: object) => (await ask(app, '/', asking)).headers['cache-status']
    expect(await status({ headers: { range: 'bytes=0-1' } })).toBe('memshard; fwd=bypass')
    // Of a body that is in no key, others would get the response.
    const withBody = { headers: { 'content-length': '4' }, body: 'evil' }
    expect(await status(withBody)).toBe('memshard; fwd=bypass')
    expect(await status({ method: 'OPTIONS' })).toBe('memshard; fwd=method')
    expect(await status({})).toMatch(HIT)
  })

  test('what was changed by another method is read anew', async () => {
    let value = 'old'
    await using app = await start(({ method, url }) => {
      if (method === 'GET') return { headers: FOR_ALL, body: value }
      if (url === '/refused') return { status: 403 }
      value = 'new'
      return { status: 303, headers: { location: '/' } }
    })
    await askUntilHit(app, '/')
    await ask(app, '/refused', { method: 'POST' })
    expect((await ask(app, '/')).text).toBe('old')
    await ask(app, '/', { method: 'POST' })
    expect((await ask(app, '/')).text).toBe('new')
    expect((await askUntilHit(app, '/')).text).toBe('new')
  })

  test('what was begun before a change is not stored after it', async () => {
    let begun = (): void => {}
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve
    })
    let goOn = (): void => {}
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve
    })
    let value = 'old'
    await using app = await start(async ({ method }) => {
      if (method === 'POST') {
        value = 'new'
        return {}
      }
      const read = value
      begun()
      await mayGoOn
      return { headers: FOR_ALL, body: read }
    })
    const early = ask(app, '/')
    await hasBegun
    await ask(app, '/', { method: 'POST' })
    goOn()
    expect((await early).text).toBe('old')
    expect((await askUntilHit(app, '/')).text).toBe('new')
  })

  test('of many who ask at once one asks the application', async () => {
    let goOn = (): void => {}
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const handle = counting(FOR_ALL)
    const waiting: Handler = async (asked) => {
      await mayGoOn
      return handle(asked)
    }
    await using app = await start(waiting)
    const many = Array.from({ length: 30 }, () => ask(app, '/'))
    goOn()
    const got = await Promise.all(many)
    expect(got.map(({ text }) => text)).toEqual(got.map(() => 'answer 1'))
    const statuses = got.map(({ headers }) => headers['cache-status'])
    expect(statuses.filter((status) => status === 'memshard; fwd=uri-miss; stored')).toHaveLength(1)
  })

  test('those who wait for what is not for them are not kept one after the other', async () => {
    let under = 0
    let most = 0
    const handle: Handler = async () => {
      most = Math.max(most, ++under)
      await new Promise((resolve) => setTimeout(resolve, 100))
      under--
      return { headers: { 'cache-control': 'private' } }
    }
    await using app = await start(handle)
    await ask(app, '/')
    await Promise.all(Array.from({ length: 10 }, () => ask(app, '/')))
    expect(most).toBeGreaterThan(5)
  })

  test('by its tags a response goes out of date, whoever said them', async () => {
    const cache = newCache({ tags: ({ url }) => [`url:${url}`] })
    const handle: Handler & { times: number } = Object.assign(
      async ({ tag }: { tag(...tags: string[]): Promise<void> }) => {
        await tag('posts', 'user:1')
        return { headers: FOR_ALL, body: `answer ${++handle.times}` }
      },
      { times: 0 },
    )
    await using app = await start(handle, cache)
    for (const tags of [['url:/'], ['other', 'user:1'], ['posts']]) {
      const before = (await askUntilHit(app, '/')).text
      await cache.invalidate(['nobody'])
      expect((await ask(app, '/')).text).toBe(before)
      await cache.invalidate(tags)
      const after = await ask(app, '/')
      expect(after.text).not.toBe(before)
      expect(after.headers['cache-status']).toBe('memshard; fwd=stale; stored')
    }
  })

  test.each([
    ['directly', {}],
    ['by a proxy', { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' }],
  ])('an old response is served while a new one is made, asked %s', async (_, headers) => {
    const handle = counting({ 'cache-control': 'public, s-maxage=1, stale-while-revalidate=100' })
    await using app = await start(handle)
    await askUntilHit(app, '/', headers)
    const times = handle.times
    let old = await ask(app, '/', { headers })
    await expect
      .poll(async () => {
        old = await ask(app, '/', { headers })
        return old.headers['cache-status']
      })
      .toMatch(/^memshard; hit; ttl=(0|-\d+)$/)
    expect(old.text).toBe(`answer ${times}`)
    await expect
      .poll(async () => (await ask(app, '/', { headers })).text)
      .not.toBe(`answer ${times}`)
  })

  test('an old response is served when the application fails, and a page of its error is not stored', async () => {
    let isFailing = false
    await using app = await start(() => {
      if (isFailing) return { status: 503, body: 'sorry' }
      return { headers: { 'cache-control': 'public, max-age=1, stale-if-error=100' }, body: 'well' }
    })
    await askUntilHit(app, '/')
    isFailing = true
    await expect
      .poll(async () => (await ask(app, '/')).headers['cache-status'])
      .toMatch(/stale-if-error/)
    const got = await ask(app, '/')
    expect([got.status, got.text]).toEqual([200, 'well'])
    isFailing = false
    await expect
      .poll(async () => (await ask(app, '/')).headers['cache-status'])
      .toBe('memshard; fwd=stale; stored')
  })

  test('a body that fails in the middle is not stored', async () => {
    let isFailing = true
    const handle: Handler = () => ({
      headers: FOR_ALL,
      body: (async function* () {
        yield Buffer.alloc(1000, 'a')
        if (isFailing) throw new Error('as planned')
        yield Buffer.alloc(1000, 'b')
      })(),
    })
    await using app = await start(handle)
    await expect(ask(app, '/')).rejects.toThrow()
    isFailing = false
    expect((await ask(app, '/')).body).toHaveLength(2000)
    expect((await askUntilHit(app, '/')).body).toHaveLength(2000)
  })

  test('a body that is too large is passed on in full, and not kept', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const handle: Handler = ({ url }) => ({
      headers:
        url === '/announced'
          ? { ...FOR_ALL, 'content-length': String(64 * chunk.length) }
          : FOR_ALL,
      body: (async function* () {
        for (let i = 0; i < 64; i++) yield chunk
      })(),
    })
    await using app = await start(handle)
    for (const path of ['/', '/', '/announced']) {
      const got = await ask(app, path)
      expect(got.body).toHaveLength(64 * chunk.length)
      expect(got.headers['cache-status']).not.toMatch(HIT)
    }
  })

  test('a client that leaves in the middle leaves nothing behind', async () => {
    let goOn = (): void => {}
    const hasLeft = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const handle: Handler = () => ({
      headers: FOR_ALL,
      body: (async function* () {
        yield Buffer.alloc(1000, 'a')
        await hasLeft
        yield Buffer.alloc(1000, 'b')
      })(),
    })
    await using app = await start(handle)
    await expect(ask(app, '/', { leaves: true })).rejects.toThrow('the client has left')
    goOn()
    expect((await ask(app, '/')).body).toHaveLength(2000)
    expect((await askUntilHit(app, '/')).body).toHaveLength(2000)
  })

  test('compressed bodies stay as they are', async () => {
    const text = 'much of the same '.repeat(1000)
    await using app = await start(() => ({
      headers: { ...FOR_ALL, 'content-encoding': 'gzip', vary: 'accept-encoding' },
      body: gzipSync(text),
    }))
    const headers = { 'accept-encoding': 'gzip' }
    const got = await askUntilHit(app, '/', headers)
    expect(got.headers['content-encoding']).toBe('gzip')
    expect(String(gunzipSync(got.body))).toBe(text)
  })

  test('an outage of the cache is none of the application', async () => {
    const errors: unknown[] = []
    const failing = async () => {
      throw new NodeDownError('as planned')
    }
    const calls = { get: failing, set: failing, add: failing, delete: failing, getMulti: failing }
    const onError = (error: unknown) => errors.push(error)
    const cache = newCache({ client: calls as never, onError })
    const handle = counting(FOR_ALL)
    await using app = await start(handle, cache)
    expect((await ask(app, '/')).text).toBe('answer 1')
    const got = await ask(app, '/')
    expect(got.text).toBe('answer 2')
    expect(got.headers['cache-status']).toBe('memshard; fwd=miss; detail=outage')
    expect(errors.length).toBeGreaterThan(0)
    expect((await ask(app, '/', { method: 'POST' })).status).toBe(200)
  })
})

describe.each(['before', 'after'])(
  'with sessions of express-session that come %s the cache',
  (place) => {
    test('what begins a session is nobody else’s, and who has one gets what is for everybody', async () => {
      const pages = newCache()
      const app = express()
      const sessions = session({ secret: 'secret', resave: false, saveUninitialized: false })
      if (place === 'before') app.use(sessions, expressCache(pages))
      else app.use(expressCache(pages), sessions)
      let times = 0
      app.get('/begin', (asked, response) => {
        asked.session.visits = 1
        response.set(FRESH).send(`yours ${++times}`)
      })
      app.get('/page', (_asked, response) => response.set(FOR_ALL).json({ times: ++times }))
      await using running = await listening(createServer(app))
      // Also when the page itself isn't sent.
      const known = { headers: { 'if-none-match': '*' } }
      expect((await ask(running, '/begin', known)).status).toBe(304)
      for (const text of ['yours 2', 'yours 3', 'yours 4']) {
        const got = await ask(running, '/begin')
        expect(got.text).toBe(text)
        expect(got.headers['set-cookie']).toHaveLength(1)
      }
      const [cookie] = (await ask(running, '/begin')).headers['set-cookie'] as string[]
      await ask(running, '/page')
      await expect
        .poll(async () => (await ask(running, '/page')).headers['cache-status'])
        .toMatch(HIT)
      const got = await ask(running, '/page', { headers: { cookie: cookie?.split(';')[0] } })
      expect(got.headers['cache-status']).toMatch(HIT)
      expect(got.headers['content-type']).toContain('application/json')
    })
  },
)

test('on memcached, too', async () => {
  await using memcached = await startNode({ server: 'memcached' })
  await using other = new Client({ nodes: [memcached.address], timeout: 10_000 })
  const cache = newCache({ client: other, ttl: 100, tags: () => ['all'] })
  const handle = counting({})
  await using app = await startApplication('Express', cache, handle)
  await ask(app, '/')
  await expect.poll(async () => (await ask(app, '/')).headers['cache-status']).toMatch(HIT)
  const { times } = handle
  await cache.invalidate(['all'])
  expect((await ask(app, '/')).text).toBe(`answer ${times + 1}`)
})

test('refuses what makes no sense', () => {
  expect(() => newCache({ ttl: -1 })).toThrow(/ttl is -1/)
  expect(() => newCache({ staleIfError: Number.NaN })).toThrow(/staleIfError/)
  expect(() => newCache({ maxBodyBytes: 0 })).toThrow(/maxBodyBytes/)
})
