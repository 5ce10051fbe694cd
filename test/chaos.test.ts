// Three real nodes under load from one client, one of which dies, or freezes, and comes back.
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Client, MemshardError } from '@memshard/client'
import { describe, expect, test } from 'vitest'
import { type NodeOptions, type RunningNode, startNode } from './nodes.ts'

const KEYS = Array.from({ length: 300 }, (_, i) => `item:${i}`)
const CALLERS = 20
// Healthy nodes answer in time, however busy the machine is: only what befalls a node may be seen of it.
const TIMEOUT_MS = 3_000
// What the machine may add: the test is about calls that hang, not about a busy scheduler.
const SCHEDULER_MS = 5_000

const expectedValue = (key: string): string => `the value of ${key}`

interface Outcome {
  readonly key: string
  readonly result: 'hit' | 'miss' | 'error'
  readonly ms: number
}

/** Callers that read keys in turn, and store what they miss, until they are told to stop. */
class Load {
  readonly #cache: Client
  readonly #callers: Promise<void>[]
  #outcomes: Outcome[] = []
  #stopped = false
  #next = 0
  #errors = new Set<unknown>()

  constructor(cache: Client) {
    this.#cache = cache
    this.#callers = Array.from({ length: CALLERS }, () => this.#run())
  }

  /** Every error so far. */
  get errors(): ReadonlySet<unknown> {
    return this.#errors
  }

  /** Resolves when each key has been read a few times more; returns all outcomes since the last time. */
  async outcomes(): Promise<Outcome[]> {
    const until = this.#next + 5 * KEYS.length
    while (this.#next < until) await nextTurn()
    const outcomes = this.#outcomes
    this.#outcomes = []
    return outcomes
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#callers)
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const key = KEYS[this.#next++ % KEYS.length]!
      const begun = performance.now()
      let result: Outcome['result']
      try {
        const value = await this.#cache.get<string>(key)
        // An answer to somebody else's question would show here.
        if (value !== undefined && value !== expectedValue(key))
          this.#errors.add(`${key}: ${value}`)
        result = value === undefined ? 'miss' : 'hit'
      } catch (error) {
        this.#errors.add(error)
        result = 'error'
      }
      this.#outcomes.push({ key, result, ms: performance.now() - begun })
      if (result === 'miss') {
        const stored = performance.now()
        await this.#cache.set(key, expectedValue(key)).catch((error) => this.#errors.add(error))
        this.#outcomes.push({ key, result: 'hit', ms: performance.now() - stored })
      }
    }
  }
}

describe.each(['memshard', 'memcached'] as const)('three %s nodes under load', (server) => {
  test('one is killed and later restarted on its port', { timeout: 240_000 }, async () => {
    await using pool = await startPool(server)
    const { nodes, cache } = pool
    const [victim] = nodes as [RunningNode]
    await Promise.all(KEYS.map((key) => cache.set(key, expectedValue(key))))
    const homes = homesOf(cache)
    const victims = KEYS.filter((key) => homes.get(key) === victim.address)
    const others = KEYS.filter((key) => homes.get(key) !== victim.address)
    expect(victims.length).toBeGreaterThan(0)

    const load = new Load(cache)
    try {
      const healthy = await load.outcomes()
      expect(summary(healthy, KEYS)).toEqual({ hit: healthy.length })

      // It dies. Until it is ejected and after, only its own keys notice.
      const ejected = once(cache, 'eject')
      await victim.stop('SIGKILL')
      expect((await ejected)[0]).toMatchObject({ name: victim.address })
      const dying = await load.outcomes()
      const without = await load.outcomes()
      for (const outcomes of [dying, without]) {
        expect(Object.keys(summary(outcomes, others))).toEqual(['hit'])
        expectNoneLate(outcomes)
      }

      // Its share has moved to the two others, is stored there, and hits again.
      const moved = homesOf(cache)
      for (const key of others) expect(moved.get(key)).toBe(homes.get(key))
      for (const key of victims) expect(moved.get(key)).not.toBe(victim.address)
      expect(new Set(victims.map((key) => moved.get(key))).size).toBe(2)
      expect(Object.keys(summary(await load.outcomes(), victims))).toEqual(['hit'])

      // It returns, empty, and is used for the same keys as before.
      const returned = once(cache, 'return')
      await using restarted = await startNode({ ...nodeOptions(server), port: victim.port })
      expect((await returned)[0]).toMatchObject({ name: victim.address, state: 'up' })
      const back = await load.outcomes()
      expect(homesOf(cache)).toEqual(homes)
      expect(Object.keys(summary(back, others))).toEqual(['hit'])
      expectNoneLate(back)
      expect(Object.keys(summary(await load.outcomes(), KEYS))).toEqual(['hit'])
      await using direct = new Client({ nodes: [restarted.address], timeout: 10_000 })
      expect((await direct.getMulti(victims)).size).toBe(victims.length)
    } finally {
      await load.stop()
    }
    for (const error of load.errors) expect(error).toBeInstanceOf(MemshardError)
  })

  test('one is frozen and later goes on', { timeout: 240_000 }, async () => {
    await using pool = await startPool(server)
    const { nodes, cache } = pool
    const [victim] = nodes as [RunningNode]
    await Promise.all(KEYS.map((key) => cache.set(key, expectedValue(key))))
    const homes = homesOf(cache)
    const others = KEYS.filter((key) => homes.get(key) !== victim.address)

    const load = new Load(cache)
    try {
      const ejected = once(cache, 'eject')
      victim.process.kill('SIGSTOP')
      await ejected
      const frozen = (await load.outcomes()).concat(await load.outcomes())
      expect(Object.keys(summary(frozen, others))).toEqual(['hit'])
      expectNoneLate(frozen)
      expect(Object.keys(summary(await load.outcomes(), KEYS))).toEqual(['hit'])

      const returned = once(cache, 'return')
      victim.process.kill('SIGCONT')
      await returned
      const thawed = (await load.outcomes()).concat(await load.outcomes())
      expect(Object.keys(summary(thawed, KEYS))).toEqual(['hit'])
      expectNoneLate(thawed)
      expect(homesOf(cache)).toEqual(homes)
    } finally {
      await load.stop()
    }
    for (const error of load.errors) expect(error).toBeInstanceOf(MemshardError)
  })
})

interface RunningPool extends AsyncDisposable {
  readonly nodes: readonly RunningNode[]
  readonly cache: Client
}

async function startPool(server: 'memshard' | 'memcached'): Promise<RunningPool> {
  const nodes = await Promise.all([0, 1, 2].map(() => startNode(nodeOptions(server))))
  const cache = new Client({
    nodes: nodes.map((node) => node.address),
    timeout: TIMEOUT_MS,
    probe: { min: 50, max: 200 },
    onNodeDown: 'rehash',
  })
  return {
    nodes,
    cache,
    async [Symbol.asyncDispose]() {
      await cache.close()
      await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
    },
  }
}

function nodeOptions(server: 'memshard' | 'memcached'): NodeOptions {
  return { server, args: ['-m', '64', '-t', '1'] }
}

function homesOf(cache: Client): Map<string, string | undefined> {
  return new Map(KEYS.map((key) => [key, cache.locate(key)?.name]))
}

/** How many calls for these keys had which result. */
function summary(outcomes: readonly Outcome[], keys: readonly string[]): Record<string, number> {
  const wanted = new Set(keys)
  const counts: Record<string, number> = {}
  for (const { key, result } of outcomes) {
    if (wanted.has(key)) counts[result] = (counts[result] ?? 0) + 1
  }
  return counts
}

function expectNoneLate(outcomes: readonly Outcome[]): void {
  const latest = Math.max(...outcomes.map((outcome) => outcome.ms))
  expect(latest).toBeLessThan(TIMEOUT_MS + SCHEDULER_MS)
}
