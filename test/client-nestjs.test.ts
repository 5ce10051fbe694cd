// The module in NestJS applications, over nodes of ours, and under @nestjs/cache-manager. Decorators are called here as
// functions, which is what their syntax becomes.
import { Client } from '@memshard/client'
import { MemshardStore } from '@memshard/client/keyv'
import { MemshardModule } from '@memshard/client/nestjs'
import { CACHE_MANAGER, type Cache, CacheModule } from '@nestjs/cache-manager'
import {
  type DynamicModule,
  Inject,
  Injectable,
  type InjectionToken,
  type LoggerService,
  Module,
  type Type,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'

let node: RunningNode
beforeAll(async () => {
  node = await startNode()
})
afterAll(() => node.stop())

const options = () => ({ nodes: [node.address], timeout: 10_000 })

/** As an application has them: the cache is a parameter of its constructor. */
class Visits {
  readonly cache: Client
  constructor(cache: Client) {
    this.cache = cache
  }
  count(page: string): Promise<number | bigint | undefined> {
    return this.cache.incr(page, 1, { initial: 1 })
  }
}
Injectable()(Visits)
// What TypeScript emits of the parameter's type.
Reflect.defineMetadata('design:paramtypes', [Client], Visits)

function moduleOf(
  imports: Array<DynamicModule | Type>,
  providers: Array<Type> = [],
): { new (): object } {
  const application = class {}
  Module({ imports, providers })(application)
  return application
}

function started(imports: Array<DynamicModule | Type>, providers?: Array<Type>) {
  const options = { logger: false, abortOnError: false } as const
  return NestFactory.createApplicationContext(moduleOf(imports, providers), options)
}

const CLOSED = { code: 'ERR_MEMSHARD_CLOSED' }

describe('forRoot', () => {
  test('makes the client injectable by its class, and closes it with the application', async () => {
    const app = await started([MemshardModule.forRoot(options())], [Visits])
    expect(await app.get(Visits).count('home')).toBe(1)
    expect(await app.get(Visits).count('home')).toBe(2)
    const client = app.get(Client)
    expect(client).toBe(app.get(Visits).cache)
    await app.close()
    await expect(client.get('home')).rejects.toMatchObject(CLOSED)
  })

  test('lets what is destroyed before use it to the end', async () => {
    class Last extends Visits {
      stored: unknown[] = []
      async onModuleDestroy() {
        this.stored.push(await this.cache.set('destroyed', 'yes'))
      }
      async beforeApplicationShutdown() {
        this.stored.push(await this.cache.set('before', 'yes'))
      }
    }
    Injectable()(Last)
    const app = await started([MemshardModule.forRoot(options())], [Last])
    const last = app.get(Last)
    await app.close()
    expect(last.stored).toEqual([true, true])
  })

  test('is of those who import it, or of all', async () => {
    const inner = moduleOf([], [Visits])
    const local = started([MemshardModule.forRoot(options()), inner])
    await expect(local).rejects.toThrow(/resolve dependencies of the Visits/)
    const app = await started([MemshardModule.forRoot({ ...options(), isGlobal: true }), inner])
    expect(await app.get(Visits, { strict: false }).cache.set('for', 'all')).toBe(true)
    await app.close()
  })

  test('may be there twice, by another token', async () => {
    const SESSIONS: InjectionToken = Symbol('sessions')
    class Both {
      readonly pages: Client
      readonly sessions: Client
      constructor(pages: Client, sessions: Client) {
        this.pages = pages
        this.sessions = sessions
      }
    }
    Injectable()(Both)
    Reflect.defineMetadata('design:paramtypes', [Client, Client], Both)
    Inject(SESSIONS)(Both, undefined, 1)
    const app = await started(
      [
        MemshardModule.forRoot({ ...options(), namespace: 'pages:' }),
        MemshardModule.forRoot({ ...options(), namespace: 'sessions:', token: SESSIONS }),
      ],
      [Both],
    )
    const { pages, sessions } = app.get(Both)
    await sessions.set('key', 'of a session')
    await pages.set('key', 'of a page')
    await using client = new Client(options())
    expect(await client.get('pages:key')).toBe('of a page')
    expect(await client.get('sessions:key')).toBe('of a session')
    await app.close()
    await expect(pages.get('key')).rejects.toMatchObject(CLOSED)
    await expect(sessions.get('key')).rejects.toMatchObject(CLOSED)
  })

  test('leaves a client that was given open', async () => {
    await using client = new Client(options())
    const app = await started([MemshardModule.forRoot({ client })], [Visits])
    expect(app.get(Visits).cache).toBe(client)
    await app.close()
    expect(await client.set('still', 'open')).toBe(true)
  })

  test('logs nodes that go and come back', async () => {
    const unreached = await startNode()
    const { address, port } = unreached
    await unreached.stop()
    const lines: string[] = []
    const note = (message: string) => lines.push(message)
    const logger: LoggerService = { log: note, warn: note, error: note }
    const reached = { nodes: [address], failures: 1, probe: { min: 20, max: 50 } }
    const app = await NestFactory.createApplicationContext(
      moduleOf([MemshardModule.forRoot(reached)]),
      { logger },
    )
    await app
      .get(Client)
      .get('key')
      .catch(() => {})
    await expect.poll(() => lines).toContainEqual(expect.stringMatching(/^node .* is down: /))
    await using _ = await startNode({ port })
    await expect.poll(() => lines).toContain(`node ${address} is back`)
    await app.close()
  })
})

test('forRootAsync takes its options from a factory, with what it wants injected', async () => {
  class Configuration {
    readonly nodes = [node.address]
  }
  Injectable()(Configuration)
  const configuration = class {}
  Module({ providers: [Configuration], exports: [Configuration] })(configuration)
  const cache = MemshardModule.forRootAsync({
    imports: [configuration],
    inject: [Configuration],
    useFactory: async ({ nodes }: Configuration) => ({ nodes, timeout: 10_000 }),
  })
  const app = await started([cache], [Visits])
  expect(await app.get(Visits).count('factory')).toBe(1)
  const client = app.get(Client)
  await app.close()
  await expect(client.get('key')).rejects.toMatchObject(CLOSED)
})

test('@nestjs/cache-manager has its values in the cache, on the sockets of the same client', async () => {
  class Pages {
    readonly cache: Cache
    constructor(cache: Cache) {
      this.cache = cache
    }
  }
  Injectable()(Pages)
  Inject(CACHE_MANAGER)(Pages, undefined, 0)
  const caching = CacheModule.registerAsync({
    inject: [Client],
    useFactory: (client: Client) => ({
      stores: [new MemshardStore({ client })],
      namespace: 'pages',
      ttl: 60_000,
    }),
  })
  const imports = [MemshardModule.forRoot({ ...options(), isGlobal: true }), caching]
  const app = await started(imports, [Pages])
  const { cache } = app.get(Pages)
  expect(await cache.wrap('home', async () => '<h1>Home</h1>')).toBe('<h1>Home</h1>')
  const another = await started(imports, [Pages])
  expect(await another.get(Pages).cache.get('home')).toBe('<h1>Home</h1>')
  const client = app.get(Client)
  const { ttl } = (await client.getEntry('keyv:pages:pages:home'))!
  expect(ttl).toBeGreaterThan(50)
  await cache.clear()
  expect(await another.get(Pages).cache.get('home')).toBeUndefined()
  await Promise.all([app.close(), another.close()])
})
