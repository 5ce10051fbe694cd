import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OPERATIONS, type Operation } from '../workload/operation.ts'
import { PROTOCOLS } from '../workload/workload.ts'
import {
  giveAnswers,
  listSource,
  makeCaller,
  type OperationRow,
  plainKeys,
  playAll,
  playBatch,
  takeRequests,
} from './caller-fixture.ts'
import type { Observer } from './observer.ts'
import { ServerFixture } from './server-fixture.ts'
import { ValueLedger } from './value-ledger.ts'

class Recorder implements Observer {
  readonly seen: string[] = []
  hit(key: number): void {
    this.seen.push(`hit ${key}`)
  }
  miss(key: number): void {
    this.seen.push(`miss ${key}`)
  }
  stored(key: number, ttl: number): void {
    this.seen.push(`stored ${key} ${ttl}`)
  }
  deleted(key: number): void {
    this.seen.push(`deleted ${key}`)
  }
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const rows = fc.array(
    fc.tuple(
      fc.constantFrom(...OPERATIONS),
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom(0, 1, 2, 11, 12, 13, 100, 5_000),
      fc.constantFrom(0, 60),
    ),
    { maxLength: 60 },
  )
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 })

  test('whatever is asked is answered and counted, wherever the answers are split', () => {
    const shape = fc.record({
      keysPerGet: fc.integer({ min: 1, max: 5 }),
      servers: fc.integer({ min: 1, max: 3 }),
      fillMisses: fc.boolean(),
      verify: fc.boolean(),
      depth: fc.integer({ min: 1, max: 20 }),
    })
    fc.assert(
      fc.property(rows, sizes, shape, (operations, pieces, { verify, depth, ...options }) => {
        const ledger = verify ? new ValueLedger(ValueLedger.memory(10)) : undefined
        const { caller, tally } = makeCaller(operations, { protocol, ledger, ...options })
        const servers = Array.from({ length: options.servers }, () => new ServerFixture())

        const requests = playAll(caller, servers, depth, pieces)

        expect(tally).toMatchObject({ errors: 0, mismatches: 0 })
        for (const conversation of caller.conversations) {
          expect(conversation).toMatchObject({ broken: undefined, outstanding: 0 })
        }
        const drawn = (name: string): number => operations.filter(([kind]) => kind === name).length
        expect(tally.gets).toBe(drawn('get'))
        expect(tally.deletes).toBe(drawn('delete'))
        expect(tally.incrs).toBe(drawn('incr'))
        expect(tally.touches).toBe(drawn('touch'))
        expect(tally.appends).toBeLessThanOrEqual(drawn('append'))
        expect(tally.sets).toBeGreaterThanOrEqual(drawn('set'))
        const answered = caller.conversations.flatMap((conversation) => [...conversation.answered])
        expect(answered.reduce((sum, count) => sum + count, 0)).toBe(requests)
      }),
      { seed: 1, numRuns: 150 },
    )
  })

  test('a miss is counted, and stored next where that is asked for', () => {
    const server = new ServerFixture()
    const { caller, tally } = makeCaller(
      [
        ['get', 1, 20, 60],
        ['get', 1],
      ],
      { protocol, fillMisses: true },
    )
    playBatch(caller, [server], 1)
    expect(tally).toMatchObject({ gets: 1, misses: 1, sets: 0, errors: 0 })
    playBatch(caller, [server], 1)
    expect(tally).toMatchObject({ gets: 1, sets: 1 })
    expect(server.items.get('key:1')).toHaveLength(20)
    playBatch(caller, [server], 1)
    expect(tally).toMatchObject({ gets: 2, misses: 1, errors: 0 })
  })

  test('a miss is an error where there may be none', () => {
    const { caller, tally } = makeCaller([['get', 1]], { protocol, mayMiss: false })
    playAll(caller, [new ServerFixture()], 1)
    expect(tally).toMatchObject({ gets: 1, misses: 1, errors: 1 })
  })

  test('of several keys, the observer hears which were found', () => {
    const observer = new Recorder()
    const server = new ServerFixture()
    const rows = [7, 1, 2, 3, 1].map((key): OperationRow => ['get', key])
    const { caller, tally } = makeCaller([['set', 2, 5, 9], ['set', 1], ...rows], {
      protocol,
      observer,
      keysPerGet: 5,
    })
    playAll(caller, [server], 3)
    expect(observer.seen.slice(0, 2)).toEqual(['stored 2 9', 'stored 1 0'])
    expect(observer.seen.slice(2).toSorted()).toEqual(
      ['hit 1', 'hit 1', 'hit 2', 'miss 3', 'miss 7'].toSorted(),
    )
    expect(tally).toMatchObject({ gets: 5, misses: 2, errors: 0 })
  })

  test('a key is not taken for one that it begins with', () => {
    const observer = new Recorder()
    const rows: OperationRow[] = [1, 11].map((key) => ['get', key])
    const options = { protocol, observer, keysPerGet: 2, keySpace: plainKeys(12) }
    const { caller, tally } = makeCaller([['set', 11], ...rows], options)
    playAll(caller, [new ServerFixture()], 1)
    expect(observer.seen.slice(1).toSorted()).toEqual(['hit 11', 'miss 1'])
    expect(tally).toMatchObject({ gets: 2, misses: 1, errors: 0 })
    expect(caller.conversations[0]!.broken).toBeUndefined()
  })

  test('a touch begins a time to live where there is a value', () => {
    const observer = new Recorder()
    const rows: OperationRow[] = [
      ['touch', 1, 0, 60],
      ['set', 1],
      ['touch', 1, 0, 60],
    ]
    const { caller, tally } = makeCaller(rows, { protocol, observer })
    playAll(caller, [new ServerFixture()], 5)
    expect(observer.seen).toEqual(['stored 1 0', 'stored 1 60'])
    expect(tally).toMatchObject({ touches: 2, misses: 0, errors: 0 })
  })

  test('what is appended to stays below a megabyte', () => {
    const server = new ServerFixture()
    const rows = Array.from({ length: 500 }, (): OperationRow => ['append', 1, 100_000])
    const { caller } = makeCaller(rows, { protocol })
    let longest = 0
    while (playBatch(caller, [server], 1) > 0) {
      longest = Math.max(longest, server.items.get('akey:1')?.length ?? 0)
    }
    expect(longest).toBeGreaterThanOrEqual(100_000)
    expect(longest).toBeLessThan(1_000_000)
  })

  test('numbers, and what is appended to, are created when they are missing', () => {
    const server = new ServerFixture()
    const rows = Array.from({ length: 100 }, (_, index): OperationRow[] => [
      ['incr', index % 2],
      ['append', index % 2, 10],
    ]).flat()
    const { caller, tally } = makeCaller(rows, { protocol })
    playAll(caller, [server], 7)
    expect(tally).toMatchObject({ incrs: 100, errors: 0 })
    for (const key of [0, 1]) {
      // The first one to miss was not counted up where it had to be added.
      expect(Number(server.items.get(`nkey:${key}`))).toBeGreaterThan(40)
      expect(Number(server.items.get(`nkey:${key}`))).toBeLessThanOrEqual(50)
      expect(server.items.get(`akey:${key}`)!.length).toBeLessThan(10 * 50)
      expect(server.items.get(`akey:${key}`)!.length).toBeGreaterThanOrEqual(10)
    }
    expect(server.items.size).toBe(4)
  })

  test('what a refusal came too early for is sent before the next batch', () => {
    const server = new ServerFixture()
    const { caller, tally } = makeCaller(
      [
        ['set', 1, 100],
        ['set', 2, 100],
      ],
      { protocol },
    )
    caller.begin(1)
    const conversation = caller.conversations[0]!
    const all = Buffer.from(conversation.output.subarray(0, conversation.unsentTo))
    conversation.unsentFrom = 40
    const refusal = {
      classic: 'SERVER_ERROR object too large for cache\r\n',
      meta: 'SERVER_ERROR object too large for cache\r\n',
      binary: `${Buffer.from(`81010000000000030000000a${'0'.repeat(24)}`, 'hex').toString('latin1')}Too large.`,
    }[protocol]
    expect(giveAnswers(caller, refusal)).toBe(1)
    expect(conversation.broken).toBeUndefined()
    expect([...tally.complaints].join()).toMatch(/too large/i)

    expect(caller.begin(1)).toBe(1)
    const next = takeRequests(caller)
    const rest = all.subarray(40)
    expect(next.subarray(0, rest.length)).toEqual(rest)
    giveAnswers(caller, server.answer(next.subarray(rest.length)), [3])
    expect(tally).toMatchObject({ sets: 1, errors: 1 })
    expect(conversation.broken).toBeUndefined()
  })
})

describe('one of several threads', () => {
  test('writes its own keys only', () => {
    const ledger = new ValueLedger(ValueLedger.memory(10), { thread: 1, threads: 2 })
    const server = new ServerFixture()
    const sets = [0, 1, 2, 3].map((key): OperationRow => ['set', key])
    playAll(makeCaller(sets, { ledger }).caller, [server], 1)
    expect([...server.items.keys()]).toEqual(['key:1', 'key:3'])
    playAll(makeCaller([['delete', 0]], { ledger }).caller, [server], 1)
    expect([...server.items.keys()]).toEqual(['key:3'])
  })

  test('leaves it to the others to store what it misses of their keys', () => {
    const ledger = new ValueLedger(ValueLedger.memory(10), { thread: 1, threads: 2 })
    const gets = [0, 1, 2, 3].map((key): OperationRow => ['get', key])
    const { caller, tally } = makeCaller(gets, { ledger, fillMisses: true })
    playAll(caller, [new ServerFixture()], 1)
    expect(tally).toMatchObject({ gets: 4, misses: 4, sets: 2, errors: 0 })
  })
})

test('the output is the same memory for every batch, once it is large enough', () => {
  const rows = Array.from({ length: 40 }, (_, key): OperationRow => ['set', key % 10, 20_000])
  const { caller } = makeCaller(rows)
  const server = new ServerFixture()
  playBatch(caller, [server], 4)
  const { output } = caller.conversations[0]!
  for (let batch = 0; batch < 8; batch++) playBatch(caller, [server], 4)
  expect(caller.conversations[0]!.output).toBe(output)
  expect(output.length).toBeLessThan(4 * 20_000 * 2.5)
})

describe('the number of requests', () => {
  test('is never above what is asked for: a get that needs more goes on in the next batch', () => {
    const rows = [0, 1, 2, 3].map((key): OperationRow => ['get', key])
    const { caller, tally } = makeCaller(rows, { servers: 4, keysPerGet: 4 })
    const servers = Array.from({ length: 4 }, () => new ServerFixture())
    expect(playBatch(caller, servers, 3)).toBe(3)
    expect(tally.gets).toBe(3)
    expect(playBatch(caller, servers, 3)).toBe(1)
    expect(tally.gets).toBe(4)
    expect(playBatch(caller, servers, 3)).toBe(0)
  })

  test('may be none while a source has nothing, and a get that was begun is not mixed with a later one', () => {
    const rows: OperationRow[] = [0, 1, 2].map((key) => ['get', key])
    const later: OperationRow[] = [3, 4, 5].map((key) => ['get', key])
    const [first, second] = [listSource(rows), listSource(later)]
    let isLater = false
    const source = {
      next: (operation: Operation) => first.next(operation) || (isLater && second.next(operation)),
    }
    const observer = new Recorder()
    const { caller } = makeCaller([], { source, observer, servers: 2, keysPerGet: 6 })
    const servers = [new ServerFixture(), new ServerFixture()]
    expect(playBatch(caller, servers, 1)).toBe(1)
    isLater = true
    expect(playBatch(caller, servers, 1)).toBe(1)
    expect(observer.seen.toSorted()).toEqual(['miss 0', 'miss 1', 'miss 2'])
    expect(playAll(caller, servers, 1)).toBe(2)
    expect(observer.seen).toHaveLength(6)
    expect(playBatch(caller, servers, 1)).toBe(0)
  })

  test('is smaller when the source ends; keys too few for a get are asked for all the same', () => {
    const rows = [1, 2, 3].map((key): OperationRow => ['get', key])
    const { caller, tally } = makeCaller(rows, { keysPerGet: 2 })
    expect(playBatch(caller, [new ServerFixture()], 10)).toBe(2)
    expect(playBatch(caller, [new ServerFixture()], 10)).toBe(0)
    expect(tally).toMatchObject({ gets: 3, misses: 3 })
  })
})
