// Everything that can happen to nodes, at random and at once, under load: killed, stopped, frozen, slow, cut off,
// added and removed. Seconds by default; CHAOS_SECONDS makes it longer, CHAOS_SEED repeats a run.
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Client, type ClientOptions, MemshardError, PartialError } from '@memshard/client'
import { describe, expect, onTestFailed, test } from 'vitest'
import { randomFrom } from './chaos/random.ts'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { type NodeProxy, startProxy } from './proxy.ts'

const SECONDS = Number(process.env.CHAOS_SECONDS ?? 3)
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000)
const NODES = 4
const CALLERS = 20
const KEYS = Array.from({ length: 500 }, (_, i) => `item:${i}`)
const TIMEOUT_MS = 250
// What the machine may add: the test is about calls that hang, not about a busy scheduler.
const SCHEDULER_MS = 2_000
// What V8 may keep for itself; a leak of 100 bytes per call would be far beyond it.
const HEAP_BYTES = 8 * 1024 * 1024

describe('whatever happens to the nodes, every call ends in time with its own value, a miss or a typed error', () => {
  test.each(['miss', 'rehash', 'error', 'gutter'] as const)(
    'with onNodeDown: %s',
    { timeout: SECONDS * 1000 + 120_000 },
    async (policy) => {
      const random = randomFrom(SEED)
      onTestFailed(() => {
        process.stderr.write(`to repeat it: CHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS}\n`)
      })
      await using spare = await startNode({ args: ['-m', '64', '-t', '1'] })
      const nodes = await Promise.all(Array.from({ length: NODES }, () => Patient.start()))
      const specs = nodes.map(({ proxy }, i) => ({
        host: '127.0.0.1',
        port: proxy.port,
        name: `node-${i}`,
      }))
      const onNodeDown: ClientOptions['onNodeDown'] =
        policy === 'gutter' ? { gutter: [spare.address], ttl: 5 } : policy
      await using cache = new Client({
        nodes: specs,
        timeout: TIMEOUT_MS,
        probe: { min: 20, max: 200 },
        onNodeDown,
        connections: 2,
        replicas: (key) => (key.endsWith('0') ? 2 : 1),
      })
      const load = new Load(cache, random)
      try {
        await sleep(500)
        const heapBefore = liveHeap()
        const until = performance.now() + SECONDS * 1000
        while (performance.now() < until) {
          const patient = nodes[Math.floor(random() * NODES)]!
          patient.suffer(random)
          if (random() < 0.2) {
            // One of them, never the same, is not wanted for a while.
            const size = NODES - Math.floor(random() * 2)
            cache.setNodes(specs.slice(0, size)).catch((error) => load.wrong.push(error))
          }
          await sleep(20 + random() * 150)
          if (nodes.filter((node) => !node.isWell).length > NODES / 2) {
            const worst = nodes.find((node) => !node.isWell)!
            await worst.heal()
          }
        }
        const heapAfter = liveHeap()
        expect(heapAfter - heapBefore).toBeLessThan(HEAP_BYTES)

        // When all is well again, so is everything.
        await cache.setNodes(specs)
        for (const node of nodes) await node.heal()
        await expect.poll(() => cache.nodes.map((node) => node.state)).not.toContain('ejected')
        await expect
          .poll(() => new Set(cache.nodes.map((node) => node.state)))
          .toEqual(new Set(['up']))
        await load.stop()
        await expect
          .poll(() =>
            Promise.all(KEYS.map((key) => cache.set(key, `${key} last`).catch(() => false))),
          )
          .toEqual(KEYS.map(() => true))
        const last = await cache.getMulti<string>(KEYS, { timeout: 10_000 })
        for (const key of KEYS) expect(last.get(key)).toBe(`${key} last`)
        expect(cache.nodes.map((node) => node.inflight)).toEqual(cache.nodes.map(() => 0))
      } finally {
        await load.stop()
        await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
      }
      expect(load.wrong).toEqual([])
      expect(load.latest).toBeLessThan(TIMEOUT_MS + SCHEDULER_MS)
      for (const ending of ['hit', 'miss', 'error'] as const) {
        expect(load.endings[ending]).toBeGreaterThan(0)
      }
    },
  )
})

/** Callers that read, write and count without a pause; what they see is counted, and what must not be, kept. */
class Load {
  readonly endings = { hit: 0, miss: 0, error: 0 }
  /** Answers to another's question, and failures that are no errors of ours. */
  readonly wrong: unknown[] = []
  /** The longest that a call has taken, in milliseconds. */
  latest = 0
  readonly #cache: Client
  readonly #callers: Promise<void>[]
  #stopped = false

  constructor(cache: Client, random: () => number) {
    this.#cache = cache
    this.#callers = Array.from({ length: CALLERS }, () => this.#run(random))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#callers)
  }

  async #run(random: () => number): Promise<void> {
    while (!this.#stopped) {
      const first = Math.floor(random() * (KEYS.length - 20))
      const key = KEYS[first]!
      // Some of many packets, most of one.
      const value = `${key} `.padEnd(random() < 0.05 ? 60_000 : 50, '.')
      await Promise.all([
        this.#end(this.#cache.set(key, value), (stored) => typeof stored === 'boolean'),
        this.#end(this.#cache.get(key), (found) => isOf(key, found)),
        this.#end(this.#cache.getMulti(KEYS.slice(first, first + 20)), areTheirs),
        this.#end(this.#cache.incr(`count:${first % 7}`, 1, { initial: 1 }), isCount),
        this.#end(this.#cache.delete(`${key}:other`), (deleted) => typeof deleted === 'boolean'),
      ])
      // Calls that end at once, because a node is known to be down, must not starve the timers.
      await sleep(1)
    }
  }

  async #end(call: Promise<unknown>, isRight: (result: unknown) => boolean): Promise<void> {
    const begun = performance.now()
    try {
      const result = await call
      this.endings[result === undefined || result === false ? 'miss' : 'hit']++
      if (!isRight(result)) this.wrong.push(result)
    } catch (error) {
      this.endings.error++
      if (!(error instanceof MemshardError)) this.wrong.push(error)
      if (error instanceof PartialError && !areTheirs(error.values)) this.wrong.push(error.values)
    }
    this.latest = Math.max(this.latest, performance.now() - begun)
  }
}

/** A node and the network before it, with all that can befall them. */
class Patient implements AsyncDisposable {
  readonly proxy: NodeProxy
  readonly #port: number
  #node: RunningNode
  #illness: 'none' | 'dead' | 'frozen' | 'network' = 'none'

  private constructor(node: RunningNode, proxy: NodeProxy) {
    this.#node = node
    this.#port = node.port
    this.proxy = proxy
  }

  static async start(): Promise<Patient> {
    const port = await freePort()
    return new Patient(await startAt(port), await startProxy(port))
  }

  get isWell(): boolean {
    return this.#illness === 'none'
  }

  suffer(random: () => number): void {
    if (!this.isWell) return
    const kind = Math.floor(random() * 6)
    if (kind === 0 || kind === 1) {
      this.#illness = 'dead'
      void this.#node.stop(kind === 0 ? 'SIGKILL' : 'SIGTERM')
    } else if (kind === 2) {
      this.#illness = 'frozen'
      this.#node.process.kill('SIGSTOP')
    } else if (kind === 3) {
      this.#illness = 'network'
      this.proxy.partition()
    } else if (kind === 4) {
      this.#illness = 'network'
      this.proxy.delay = 20 + random() * 400
    } else {
      this.proxy.cut()
    }
  }

  async heal(): Promise<void> {
    if (this.#illness === 'frozen') this.#node.process.kill('SIGCONT')
    if (this.#illness === 'dead') {
      await this.#node.stop('SIGKILL')
      this.#node = await startAt(this.#port)
    }
    this.proxy.heal()
    this.#illness = 'none'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]()
    await this.#node.stop('SIGKILL')
  }
}

function startAt(port: number): Promise<RunningNode> {
  return startNode({ port, args: ['-m', '64', '-t', '1'] })
}

function isOf(key: string, value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && value.startsWith(`${key} `))
}

function areTheirs(values: unknown): boolean {
  return values instanceof Map && [...values].every(([key, value]) => isOf(key, value))
}

function isCount(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value > 0)
}

/** Bytes of objects after a full collection. Those of buffers come and go with what is under way in the proxies. */
function liveHeap(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}
