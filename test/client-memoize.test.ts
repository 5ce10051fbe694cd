// Functions and methods whose results are on nodes of ours.
import { Client, type Memoized, memoize, Tags } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { shareCache } from './shared-cache.ts'

let node: RunningNode
let client: Client
let other: Client
shareCache({}, (cache) => {
  ;({ node, client } = cache)
})
beforeAll(() => {
  other = new Client({ nodes: [node.address], timeout: 10_000 })
})
afterAll(() => other.close())

let names = 0
const newName = (): string => `f${++names}`

describe('a function', () => {
  test('runs once for equal arguments, in all processes', async () => {
    const name = newName()
    const load = vi.fn(async (id: number, how: { deep: boolean; by?: string }) => ({ id, ...how }))
    const here = memoize(load, { client, name, ttl: 100 })
    const there = memoize(load, { client: other, name, ttl: 100 })
    const expected = { id: 1, deep: true, by: 'name' }
    expect(await here(1, { deep: true, by: 'name' })).toEqual(expected)
    expect(await there(1, { by: 'name', deep: true })).toEqual(expected)
    expect(load).toHaveBeenCalledTimes(1)
    expect(await here(2, { deep: false })).toEqual({ id: 2, deep: false })
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('runs once for all who call at the same time', async () => {
    const load = vi.fn(async (id: number) => id * 2)
    const fast = memoize(load, { client, name: newName(), ttl: 100 })
    expect(await Promise.all(Array.from({ length: 50 }, () => fast(21)))).toEqual(
      Array.from({ length: 50 }, () => 42),
    )
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('is forgotten by its arguments', async () => {
    let value = 'old'
    const read = memoize(async (_id: number) => value, {
      client,
      name: newName(),
      ttl: 100,
      staleFor: 100,
    })
    await read(1)
    await read(2)
    value = 'new'
    expect(await read.invalidate(1)).toBe(true)
    expect(await read.invalidate(3)).toBe(false)
    expect([await read(1), await read(2)]).toEqual(['new', 'old'])
  })

  test('is made anew while others get the result before', async () => {
    let value = 'old'
    let goOn = (): void => {}
    let gate: Promise<void> | undefined
    const read = memoize(
      async (_id: number) => {
        const now = value
        await gate
        return now
      },
      { client, name: newName(), ttl: 100 },
    )
    expect(await read.refresh(1)).toBe('old')
    value = 'new'
    gate = new Promise((resolve) => {
      goOn = resolve
    })
    const refreshing = read.refresh(1)
    expect(await read(1)).toBe('old')
    goOn()
    expect(await refreshing).toBe('new')
    expect(await read(1)).toBe('new')
  })

  test('what was forgotten while it was made anew is not stored', async () => {
    let goOn = (): void => {}
    let begun = (): void => {}
    let gate: Promise<void> | undefined
    const read = memoize(
      async () => {
        begun()
        await gate
        return 'old'
      },
      { client, name: newName(), ttl: 100 },
    )
    await read()
    gate = new Promise((resolve) => {
      goOn = resolve
    })
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve
    })
    const refreshing = read.refresh()
    await hasBegun
    await read.invalidate()
    goOn()
    expect(await refreshing).toBe('old')
    expect(await client.get(read.keyOf())).toBeUndefined()
  })

  test('fails with its own error, and that is not kept', async () => {
    let isFailing = true
    const read = memoize(
      async () => {
        if (isFailing) throw new Error('as planned')
        return 1
      },
      { client, name: newName(), ttl: 100 },
    )
    await expect(read()).rejects.toThrow('as planned')
    isFailing = false
    expect(await read()).toBe(1)
  })

  test('null is no result, and is remembered only if that is asked for', async () => {
    const find = vi.fn((_id: number) => null)
    const twice = memoize(find, { client, name: newName(), ttl: 100 })
    expect([await twice(1), await twice(1)]).toEqual([undefined, undefined])
    expect(find).toHaveBeenCalledTimes(2)
    const once = memoize(find, { client, name: newName(), ttl: 100, negativeTtl: 100 })
    expect([await once(1), await once(1)]).toEqual([undefined, undefined])
    expect(find).toHaveBeenCalledTimes(3)
  })

  test('has keys that are told, and that may be made of what counts', async () => {
    const name = newName()
    const read = (request: { id: string; trace: string }) => request.id
    const memoized = memoize(read, { client, name, ttl: 100, key: ({ id }) => id })
    expect(memoized.keyOf({ id: '7', trace: 'a' })).toBe(`${name}:7`)
    expect(memoized.keyOf({ id: 'with space', trace: 'a' })).toMatch(/:sha256:[\w-]{43}$/)
    await memoized({ id: '7', trace: 'a' })
    expect(await client.get(`${name}:7`)).toBe('7')
    const ofAll = memoize(read, { client, name, ttl: 100 })
    expect(ofAll.keyOf({ id: '7', trace: 'a' })).toMatch(/^f\d+:[\w-]{43}$/)
    expect(ofAll.name).toBe('read')
  })

  test('goes out of date by its tags', async () => {
    const load = vi.fn(async (id: number) => `answer ${id} ${load.mock.calls.length}`)
    const tags = (id: number) => ['users', `user:${id}`]
    const read = memoize(load, { client, name: newName(), ttl: 100, tags })
    expect([await read(1), await read(1), await read(2)]).toEqual([
      'answer 1 1',
      'answer 1 1',
      'answer 2 2',
    ])
    await new Tags({ client: other }).invalidate(['user:1'])
    expect([await read(1), await read(2)]).toEqual(['answer 1 3', 'answer 2 2'])
    await new Tags({ client: other }).invalidate(['users'])
    const all = await Promise.all(Array.from({ length: 10 }, () => read(1)))
    expect(new Set(all)).toEqual(new Set(['answer 1 4']))
    expect(await read.refresh(1)).toBe('answer 1 5')
    expect(await read(1)).toBe('answer 1 5')
  })

  test('works while the nodes are down', async () => {
    const gone = await startNode()
    await gone.stop('SIGKILL')
    await using down = new Client({ nodes: [gone.address], timeout: 2_000, onNodeDown: 'error' })
    const options = { client: down, name: newName(), ttl: 100 }
    const read = memoize(async (id: number) => id + 1, options)
    expect([await read(1), await read.refresh(2)]).toEqual([2, 3])
    const tagged = memoize(async (id: number) => id + 1, { ...options, tags: () => ['all'] })
    expect([await tagged(1), await tagged(1)]).toEqual([2, 2])
  })
})

describe('a method', () => {
  /** What a compiler makes of `@memoize(...)` before a method. */
  function decorated(name: string, loads: () => void) {
    class Users {
      readonly greeting: string

      constructor(greeting: string) {
        this.greeting = greeting
      }

      async find(id: number): Promise<string> {
        loads()
        return `${this.greeting} ${id}`
      }
    }
    const context = { kind: 'method', name: 'find', static: false, private: false }
    const decorate = memoize<[id: number]>({ client, name, ttl: 100 })
    const find = decorate(Users.prototype.find, context as ClassMethodDecoratorContext)
    Object.defineProperty(Users.prototype, 'find', { value: find })
    return { Users, find: find as Memoized<unknown, [id: number], Promise<string>> }
  }

  test('runs on its object, once for all objects', async () => {
    const loads = vi.fn()
    const { Users, find } = decorated(newName(), loads)
    const users = new Users('hello')
    expect(await users.find(1)).toBe('hello 1')
    // What the object is, is in no key.
    expect(await new Users('good day').find(1)).toBe('hello 1')
    expect(loads).toHaveBeenCalledTimes(1)
    await find.invalidate(1)
    expect(await new Users('good day').find(1)).toBe('good day 1')
    expect(await find.refresh.call(users, 1)).toBe('hello 1')
  })

  test('is what is decorated, and nothing else', () => {
    const decorate = memoize({ client, name: newName(), ttl: 100 })
    const context = { kind: 'field', name: 'find' } as unknown as ClassMethodDecoratorContext
    expect(() => decorate(() => 1, context)).toThrow(/decorates methods/)
  })
})

test('refuses what makes no sense', async () => {
  expect(() => memoize(() => 1, { client, name: '', ttl: 1 })).toThrow(/name/)
  expect(() => memoize(() => 1, { client, name: 'n'.repeat(200), ttl: 1 })).toThrow(/name/)
  expect(() => memoize(() => 1, undefined as never)).toThrow(/options/)
  const read = memoize((_: unknown) => 1, { client, name: newName(), ttl: 1 })
  await expect(read(() => {})).rejects.toMatchObject({ code: 'ERR_MEMSHARD_ARGUMENT' })
  await expect(memoize(() => 1, { client, name: 'n', ttl: -1 })()).rejects.toThrow(/ttl is -1/)
})
