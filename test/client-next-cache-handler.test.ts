// The handlers of Next.js's caches by their contracts, as Next.js calls them, over nodes of ours and over memcached. What it makes
// of them is in next-applications.test.ts.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@memshard/client'
import {
  cacheHandler,
  type NextCacheEntry,
  type NextCacheHandler,
  type NextCacheOptions,
  useCacheHandler,
} from '@memshard/client/next-cache-handler'
import { describe, expect, test } from 'vitest'
import type { RunningNode } from './nodes.ts'
import { shareCache } from './shared-cache.ts'

const TAGS = 'x-next-cache-tags'

let node: RunningNode
let client: Client
shareCache({}, (cache) => {
  ;({ node, client } = cache)
})

let applications = 0
/** Handlers of an application, of which there are as many as it has requests. */
function application(options: Partial<NextCacheOptions> = {}): () => NextCacheHandler {
  const Handler = cacheHandler({
    client,
    prefix: `app${++applications}:`,
    buildId: 'one',
    ...options,
  } as NextCacheOptions)
  return () => new Handler({})
}

const PAGE = { kind: 'APP_PAGE', isFallback: false }
const pageOf = (html: string, tags = '') => ({
  kind: 'APP_PAGE',
  html,
  rscData: Buffer.from([0, 1, 255]),
  headers: { [TAGS]: tags, vary: ['a', 'b'] },
  postponed: undefined,
  status: 200,
  segmentData: new Map([['/_tree', Buffer.from('segment')]]),
})
const fetchedOf = (body: string, revalidate = 60) => ({
  kind: 'FETCH',
  data: { headers: {}, body, url: 'http://origin/', status: 200 },
  revalidate,
})
const FOR_A_MINUTE = { cacheControl: { revalidate: 60, expire: 3600 } }

/** Moments are told apart by the millisecond. */
async function aMoment(): Promise<void> {
  const now = Date.now()
  while (Date.now() <= now + 1) await sleep(1)
}

/** What a request does: asks, and stores what it has made in vain. */
async function rendered(
  handler: NextCacheHandler,
  key: string,
  page = pageOf(key),
): Promise<unknown> {
  const found = await handler.get(key, PAGE)
  if (found !== null) return found.value
  await handler.set(key, page, FOR_A_MINUTE)
  return undefined
}

describe('cacheHandler', () => {
  test('gives exactly what was stored, to all servers', async () => {
    const handler = application()
    const value = pageOf('<h1>ü</h1>', 'a,b')
    const before = Date.now()
    expect(await rendered(handler(), '/page', value)).toBeUndefined()
    const found = (await handler().get<typeof value>('/page', PAGE))!
    expect(found.value).toEqual(value)
    expect(found.value!.rscData).toBeInstanceOf(Buffer)
    expect(found.value!.segmentData.get('/_tree')).toBeInstanceOf(Buffer)
    expect(found.lastModified).toBeGreaterThanOrEqual(before)
    expect(found.cacheControl).toEqual(FOR_A_MINUTE.cacheControl)
  })

  test('keeps that there is no such page', async () => {
    const handler = application()
    await handler().set('/none', null, FOR_A_MINUTE)
    expect(await handler().get('/none', PAGE)).toMatchObject({ value: null })
    expect(await handler().get('/unknown', PAGE)).toBeNull()
  })

  test('takes any path for a key', async () => {
    const handler = application()
    for (const key of [`/${'x'.repeat(2000)}`, '/two words', '/ü', '/~x', '/']) {
      await rendered(handler(), key)
      expect(await rendered(handler(), key)).toMatchObject({ html: key })
    }
  })

  test('lets the server forget what Next.js would not serve', async () => {
    const prefix = 'life:'
    const handler = application({ prefix })
    await rendered(handler(), '/page')
    const { ttl } = (await client.getEntry('life:one:/page'))!
    expect(ttl).toBeGreaterThan(3500)
    expect(ttl).toBeLessThanOrEqual(3600)
  })

  test('keeps deployments apart, by their build ids', async () => {
    const prefix = 'builds:'
    const [one, two] = [application({ prefix }), application({ prefix, buildId: 'two' })]
    await rendered(one(), '/page', pageOf('of one'))
    expect(await rendered(two(), '/page', pageOf('of two'))).toBeUndefined()
    expect(await rendered(one(), '/page')).toMatchObject({ html: 'of one' })
    expect(await rendered(two(), '/page')).toMatchObject({ html: 'of two' })
  })

  test('reads the build id where Next.js has put it, or says that there is none', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'memshard-next-'))
    try {
      await writeFile(join(directory, 'BUILD_ID'), 'from-a-file\n')
      const Handler = cacheHandler({ client, prefix: 'file:' })
      const handler = new Handler({ serverDistDir: join(directory, 'server') })
      await rendered(handler, '/page')
      expect(await client.getEntry('file:from-a-file:/page')).toBeDefined()
      const lost = new Handler({ serverDistDir: join(directory, 'not/there') })
      await expect(lost.get('/page', PAGE)).rejects.toThrow(/give the option buildId/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('stays out of builds', async () => {
    const handler = application()
    process.env.NEXT_PHASE = 'phase-production-build'
    try {
      await rendered(handler(), '/page')
      expect(await rendered(handler(), '/page')).toBeUndefined()
    } finally {
      delete process.env.NEXT_PHASE
    }
    expect(await handler().get('/page', PAGE)).toBeNull()
  })
})

describe('values that are longer than an item', () => {
  const long = (letter: string) => pageOf(letter.repeat(300_000))

  test('are in several, and come back whole', async () => {
    const handler = application({ prefix: 'long:', chunkBytes: 65_536 })
    await rendered(handler(), '/long', long('a'))
    expect(await rendered(handler(), '/long')).toEqual(long('a'))
    // By default as they have to be for a server as it is by default.
    const plain = application()
    const huge = pageOf('h'.repeat(5_000_000))
    await rendered(plain(), '/huge', huge)
    expect(await rendered(plain(), '/huge')).toEqual(huge)
  })

  test('are a miss when a piece is', async () => {
    const watched = new Client({ nodes: [node.address], timeout: 10_000 })
    const keys: string[] = []
    const view = {
      namespace(namespace: string) {
        const items = watched.namespace(namespace)
        return Object.assign(Object.create(items), {
          get: items.get.bind(items),
          getMulti: items.getMulti.bind(items),
          add: items.add.bind(items),
          set: items.set.bind(items),
          setMulti(entries: ReadonlyArray<readonly [string, Uint8Array]>, options: object) {
            keys.push(...entries.map(([key]) => namespace + key))
            return items.setMulti(entries, options)
          },
        }) as Client
      },
    }
    const handler = application({ client: view, chunkBytes: 65_536 })
    await rendered(handler(), '/long', long('b'))
    expect(keys.length).toBe(5)
    expect(await rendered(handler(), '/long')).toEqual(long('b'))
    await client.delete(keys[3]!)
    expect(await handler().get('/long', PAGE)).toBeNull()
    await watched.close()
  })

  test('are never put together of two, however many write at once', async () => {
    const handler = application({ chunkBytes: 65_536 })
    const letters = [...'abcdefghij']
    let isWriting = true
    const seen = new Set<string>()
    const reader = (async () => {
      while (isWriting) {
        const found = await handler().get<ReturnType<typeof pageOf>>('/torn', PAGE)
        if (found !== null) {
          const { html } = found.value!
          seen.add(html[0]!)
          expect(html === html[0]!.repeat(300_000)).toBe(true)
        }
      }
    })()
    for (let round = 0; round < 5; round++) {
      await Promise.all(letters.map((letter) => handler().set('/torn', long(letter), FOR_A_MINUTE)))
    }
    isWriting = false
    await reader
    expect(seen.size).toBeGreaterThan(0)
  })
})

describe.each(['memshard', 'memcached'] as const)('tags, over %s', (server) => {
  let client: Client
  shareCache({ server, count: 2 }, (cache) => {
    client = cache.client
  })

  test('that are revalidated make their pages misses on all servers, of all deployments', async () => {
    const prefix = 'tags:'
    const handler = application({ client, prefix })
    const other = application({ client, prefix, buildId: 'two' })
    for (const one of [handler, other]) {
      await rendered(one(), '/tagged', pageOf('tagged', 'x,posts,y'))
      await rendered(one(), '/other', pageOf('other', 'x'))
    }
    await aMoment()
    await handler().revalidateTag('posts')
    for (const one of [handler, other]) {
      expect(await one().get('/tagged', PAGE)).toBeNull()
      expect(await one().get('/other', PAGE)).not.toBeNull()
    }
    await aMoment()
    await rendered(other(), '/tagged', pageOf('anew', 'x,posts,y'))
    expect(await rendered(other(), '/tagged')).toMatchObject({ html: 'anew' })
  })

  test('of a fetch are those that it is asked for with', async () => {
    const handler = application({ client })
    const context = { kind: 'FETCH', tags: ['own'], softTags: ['_N_T_/layout', '_N_T_/page'] }
    const fetched = async () => {
      const one = handler()
      const found = await one.get('key', context)
      if (found === null) await one.set('key', fetchedOf('body'), { tags: ['own'] })
      return found?.value
    }
    expect(await fetched()).toBeUndefined()
    expect(await fetched()).toEqual(fetchedOf('body'))
    for (const tag of [...context.tags, ...context.softTags]) {
      await aMoment()
      await handler().revalidateTag([tag])
      expect(await fetched(), tag).toBeUndefined()
      await aMoment()
      await fetched()
      expect(await fetched(), tag).toEqual(fetchedOf('body'))
    }
  })

  test('that are revalidated while a page is made keep it out', async () => {
    const handler = application({ client })
    const request = handler()
    expect(await request.get('/slow', PAGE)).toBeNull()
    await aMoment()
    await handler().revalidateTag('late')
    await request.set('/slow', pageOf('of before', 'late'), FOR_A_MINUTE)
    expect(await handler().get('/slow', PAGE)).toBeNull()
  })

  test('with a time make pages stale: served, and made anew meanwhile, until it is over', async () => {
    const handler = application({ client })
    await rendered(handler(), '/swr', pageOf('old', 'swr'))
    await aMoment()
    await handler().revalidateTag('swr', { expire: 1 })
    const request = handler()
    const { lastModified, value } = (await request.get('/swr', PAGE))!
    expect(value).toMatchObject({ html: 'old' })
    // Older than its 60 seconds, and younger than its hour.
    expect(Date.now() - lastModified).toBeGreaterThan(60_000)
    expect(Date.now() - lastModified).toBeLessThan(3_600_000)
    await aMoment()
    await request.set('/swr', pageOf('new', 'swr'), FOR_A_MINUTE)
    const fresh = (await handler().get('/swr', PAGE))!
    expect(fresh.value).toMatchObject({ html: 'new' })
    expect(Date.now() - fresh.lastModified).toBeLessThan(30_000)
    await aMoment()
    await handler().revalidateTag('swr', { expire: 1 })
    await expect.poll(() => handler().get('/swr', PAGE)).toBeNull()
  })

  test('with a time make fetches stale, and what lives for ever a miss', async () => {
    const handler = application({ client })
    const context = { kind: 'FETCH', tags: ['swr-fetch'] }
    await handler().set('key', fetchedOf('old', 3600), { tags: context.tags })
    const forEver = { cacheControl: { revalidate: false } as const }
    await handler().set('/for-ever', pageOf('old', 'swr-fetch'), forEver)
    expect(await handler().get('/for-ever', PAGE)).not.toBeNull()
    await aMoment()
    await handler().revalidateTag('swr-fetch', {})
    const { lastModified } = (await handler().get('key', context))!
    expect(Date.now() - lastModified).toBeGreaterThan(3_600_000)
    expect(await handler().get('/for-ever', PAGE)).toBeNull()
  })

  test('that are lost make their pages misses, and what was revalidated before never comes back', async () => {
    const prefix = 'lost:'
    const handler = application({ client, prefix })
    await rendered(handler(), '/page', pageOf('old', 'gone'))
    await aMoment()
    await handler().revalidateTag('gone')
    expect(await client.delete(`${prefix}~tag:gone`)).toBe(true)
    expect(await handler().get('/page', PAGE)).toBeNull()
    expect(await handler().get('/page', PAGE)).toBeNull()
  })
})

describe('useCacheHandler', () => {
  const entryOf = (text: string, options: Partial<NextCacheEntry> = {}): NextCacheEntry => ({
    value: new Blob([text]).stream() as ReadableStream<Uint8Array>,
    tags: [],
    stale: 30,
    timestamp: Date.now(),
    expire: 3600,
    revalidate: 60,
    ...options,
  })
  const use = (prefix: string) => useCacheHandler({ client, prefix })
  const textOf = async (entry: NextCacheEntry | undefined) =>
    entry && (await new Response(entry.value).text())

  test('gives all servers what one has stored, with a stream for each', async () => {
    const timestamp = Date.now() - 0.5
    await use('use:').set('["key"]', Promise.resolve(entryOf('text', { timestamp, tags: ['t'] })))
    for (let i = 0; i < 2; i++) {
      const entry = (await use('use:').get('["key"]', []))!
      expect(await textOf(entry)).toBe('text')
      expect({ ...entry, value: undefined }).toEqual({
        ...{ stale: 30, timestamp, expire: 3600, revalidate: 60, tags: ['t'] },
        value: undefined,
      })
    }
  })

  test('lets who asks for what is being made wait for it', async () => {
    const handler = use('waiting:')
    let finish: (entry: NextCacheEntry) => void = () => {}
    const pending = new Promise<NextCacheEntry>((resolve) => {
      finish = resolve
    })
    const stored = handler.set('key', pending)
    const found = handler.get('key', [])
    finish(entryOf('made'))
    expect(await textOf(await found)).toBe('made')
    await stored
  })

  test('keeps nothing of a stream that fails, nor what is dynamic', async () => {
    const handler = use('failing:')
    const value = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('half'))
        controller.error(new Error('failed'))
      },
    })
    await handler.set('key', Promise.resolve(entryOf('', { value })))
    await handler.set('other', Promise.reject(new Error('failed')))
    await handler.set('dynamic', Promise.resolve(entryOf('text', { expire: 0 })))
    expect(await handler.get('key', [])).toBeUndefined()
    expect(await handler.get('other', [])).toBeUndefined()
    expect(await handler.get('dynamic', [])).toBeUndefined()
  })

  test('forgets by tags and soft tags, at once or while it is made anew', async () => {
    const handler = use('tags-of-use:')
    const soft = ['_N_T_/page']
    const store = async () => {
      expect(await handler.get('key', soft)).toBeUndefined()
      await aMoment()
      await handler.set('key', Promise.resolve(entryOf('text', { tags: ['own'] })))
      expect(await textOf(await use('tags-of-use:').get('key', soft))).toBe('text')
      await aMoment()
    }
    await store()
    await use('tags-of-use:').updateTags(['own'])
    await store()
    await handler.updateTags(soft)
    await store()
    await handler.updateTags(['own'], { expire: 60 })
    expect(await handler.get('key', soft)).toMatchObject({ revalidate: -1 })
    // Next.js asks for these in `get`.
    expect(await handler.getExpiration(soft)).toBe(Number.POSITIVE_INFINITY)
    await handler.refreshTags()
  })
})

describe('an outage', () => {
  const options = { nodes: ['127.0.0.1:1'], timeout: 200, prefix: 'out:', buildId: 'one' } as const

  test.each(['miss', 'error'] as const)('is misses, with onNodeDown %s', async (onNodeDown) => {
    const Handler = cacheHandler({ ...options, onNodeDown })
    const handler = new Handler({})
    expect(await rendered(handler, '/page')).toBeUndefined()
    expect(await rendered(handler, '/page')).toBeUndefined()
    const use = useCacheHandler({ ...options, onNodeDown })
    expect(await use.get('key', ['soft'])).toBeUndefined()
    await expect(handler.revalidateTag('tag')).rejects.toHaveProperty('code')
    await expect(use.updateTags(['tag'])).rejects.toHaveProperty('code')
  })
})

test('refuses options that make no sense', () => {
  expect(() => cacheHandler({ client, ttl: -1 })).toThrow(/ttl is -1/)
  expect(() => useCacheHandler({ client, chunkBytes: 10 })).toThrow(/chunkBytes is 10/)
})
