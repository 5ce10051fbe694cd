// The plugin and the session store in Fastify servers, over nodes of ours.
import { Writable } from 'node:stream'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { Client } from '@memshard/client'
import { cache } from '@memshard/client/fastify'
import { MemshardStore } from '@memshard/client/fastify-session'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'

declare module 'fastify' {
  interface Session {
    visits: number
  }
}

let node: RunningNode
beforeAll(async () => {
  node = await startNode()
})
afterAll(() => node.stop())

describe('the plugin', () => {
  test('decorates the whole server, and closes the client with it', async () => {
    const app = fastify()
    await app.register(cache, { nodes: [node.address], timeout: 10_000 })
    app.register(async (inner) => {
      expect(inner.cache).toBe(app.cache)
    })
    app.get('/count', async () => ({ count: await app.cache.incr('count', 1, { initial: 1 }) }))
    expect((await app.inject('/count')).json()).toEqual({ count: 1 })
    expect((await app.inject('/count')).json()).toEqual({ count: 2 })
    await app.close()
    await expect(app.cache.get('count')).rejects.toMatchObject({ code: 'ERR_MEMSHARD_CLOSED' })
  })

  test('lets what closes with the server use it to the end', async () => {
    const app = fastify()
    await app.register(cache, { nodes: [node.address], timeout: 10_000 })
    let stored: boolean | undefined
    app.addHook('onClose', async () => {
      stored = await app.cache.set('last', 'words')
    })
    await app.ready()
    await app.close()
    expect(stored).toBe(true)
  })

  test('leaves a client that was given open', async () => {
    await using client = new Client({ nodes: [node.address], timeout: 10_000 })
    const app = fastify()
    await app.register(cache, { client })
    await app.ready()
    expect(app.cache).toBe(client)
    await app.close()
    expect(await client.set('still', 'open')).toBe(true)
  })

  test('may be there twice, by another name', async () => {
    const app = fastify()
    await app.register(cache, { nodes: [node.address], timeout: 10_000 })
    await app.register(cache, {
      nodes: [node.address],
      timeout: 10_000,
      decorator: 'sessions',
      namespace: 's:',
    })
    await app.ready()
    const { sessions } = app as unknown as { sessions: Client }
    await sessions.set('key', 'value')
    expect(await app.cache.get('s:key')).toBe('value')
    await app.close()
  })

  test('says so when its name is taken', async () => {
    const app = fastify()
    app.register(cache, { nodes: [node.address], timeout: 10_000 })
    app.register(cache, { nodes: [node.address], timeout: 10_000 })
    await expect(app.ready()).rejects.toThrow(/has a cache already/)
    await app.close()
  })

  test('logs nodes that go and come back', async () => {
    const lines: string[] = []
    const stream = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk))
        done()
      },
    })
    const app = fastify({ logger: { stream } })
    const unreached = await startNode()
    const { address, port } = unreached
    await unreached.stop()
    await app.register(cache, { nodes: [address], failures: 1, probe: { min: 20, max: 50 } })
    await app.ready()
    await app.cache.get('key').catch(() => {})
    await expect.poll(() => lines.join('')).toContain('a node of the cache is down')
    await using _ = await startNode({ port })
    await expect.poll(() => lines.join('')).toContain('a node of the cache is back')
    await app.close()
  })
})

test.each([
  ['error', 500],
  ['no session', 200],
] as const)('sessions that can’t be had are: %s', async (onFailure, status) => {
  const app = fastify()
  await app.register(cache, { nodes: ['127.0.0.1:1'], timeout: 100, onNodeDown: 'error' })
  await app.register(cookie)
  await app.register(session, {
    secret: 'a secret that is longer than thirty-two characters',
    cookie: { secure: false, maxAge: 60_000 },
    store: new MemshardStore({ client: app.cache, onFailure }),
  })
  app.get('/visit', async (request) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    return String(request.session.visits)
  })
  const { statusCode } = await app.inject('/visit')
  expect(statusCode).toBe(status)
  await app.close()
})

test('sessions of @fastify/session live in the cache', async () => {
  const app = fastify()
  await app.register(cache, { nodes: [node.address], timeout: 10_000 })
  await app.register(cookie)
  await app.register(session, {
    secret: 'a secret that is longer than thirty-two characters',
    cookie: { secure: false, maxAge: 60_000 },
    store: new MemshardStore({ client: app.cache, prefix: 'fastify:' }),
  })
  app.get('/visit', async (request) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    return { visits: request.session.visits, id: request.session.sessionId }
  })
  app.get('/leave', async (request) => {
    await request.session.destroy()
    return 'left'
  })
  const first = await app.inject('/visit')
  const cookies = Object.fromEntries(first.cookies.map(({ name, value }) => [name, value]))
  const second = await app.inject({ url: '/visit', cookies })
  expect(second.json()).toMatchObject({ visits: 2 })
  const key = `fastify:${second.json().id}`
  expect((await app.cache.getEntry(key))?.ttl).toBeGreaterThan(50)
  await app.inject({ url: '/leave', cookies })
  expect(await app.cache.get(key)).toBeUndefined()
  expect((await app.inject({ url: '/visit', cookies })).json()).toMatchObject({ visits: 1 })
  await app.close()
})
