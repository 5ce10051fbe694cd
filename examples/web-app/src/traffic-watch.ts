// What the client does, as its tracing channel tells: hits and misses by node, by second and by key, and how long calls take.
// Keeps a minute of it and a few keys, however much there is. Knows the channel; nothing of pages.
import { tracingChannel } from 'node:diagnostics_channel'
import type { Client, CommandMessage } from '@memshard/client'
import { positionOf } from './ring-picture.ts'

/** `waiting`: somebody else makes what is missing, and `fetch` looks again. */
export type Outcome = 'hit' | 'miss' | 'waiting' | 'stored' | 'failed'

export interface NodeTraffic {
  /** Of the node that was asked. */
  hits: number
  misses: number
  /** Misses of keys that live there when all nodes are up, whoever was asked. */
  missesOfOwn: number
}

export interface SeenKey {
  readonly number: number
  /** As it may be shown: of a session, only the beginning. */
  readonly key: string
  /** 0 to 1 on the continuum. */
  readonly position: number
  readonly node: string | undefined
  readonly outcome: Outcome
  readonly ms: number
}

export interface SecondOfTraffic {
  readonly hits: number
  readonly misses: number
  /** Milliseconds; undefined without calls. */
  readonly median: number | undefined
  readonly p99: number | undefined
}

interface Second {
  readonly at: number
  hits: number
  misses: number
  readonly latencies: number[]
}

export const SECONDS_SHOWN = 60
const KEYS_SHOWN = 48
/** Of one second; more than that say nothing more about it. */
const LATENCIES_KEPT = 2_000
const SESSION = /^(sess:.{4}).*$/

const commands = tracingChannel<unknown, CommandMessage>('memshard:command')
/** While all are down. */
const NO_NODE = ''
const WRITES: ReadonlySet<string> = new Set(['set', 'cas', 'add'])

export class TrafficWatch implements Disposable {
  readonly #begun = new WeakMap<object, number>()
  readonly #keys: SeenKey[] = []
  readonly #nodes = new Map<string, NodeTraffic>()
  readonly #home: (key: string) => string | undefined
  #seconds: Second[] = []
  #number = 0
  readonly #subscribers

  /** `home` tells where a key lives when all nodes are up. */
  constructor(client: Client, home: (key: string) => string | undefined) {
    this.#home = home
    const ended = (message: CommandMessage): void => {
      if (message.client === client) this.#see(message)
    }
    this.#subscribers = {
      start: (message: CommandMessage) => this.#begun.set(message, performance.now()),
      end: () => {},
      asyncStart: () => {},
      asyncEnd: ended,
      error: () => {},
    }
    commands.subscribe(this.#subscribers)
  }

  [Symbol.dispose](): void {
    commands.unsubscribe(this.#subscribers)
  }

  /** The latest last. */
  get keys(): readonly SeenKey[] {
    return this.#keys
  }

  /** The latest last; the one that is not over yet is not among them. */
  get seconds(): readonly SecondOfTraffic[] {
    const now = Math.floor(Date.now() / 1000)
    const byTime = new Map(this.#seconds.map((second) => [second.at, second]))
    return Array.from({ length: SECONDS_SHOWN }, (_, i) =>
      summary(byTime.get(now - SECONDS_SHOWN + i)),
    )
  }

  trafficOf(node: string): Readonly<NodeTraffic> {
    return this.#trafficOf(node)
  }

  #trafficOf(node: string): NodeTraffic {
    let traffic = this.#nodes.get(node)
    if (traffic === undefined) {
      traffic = { hits: 0, misses: 0, missesOfOwn: 0 }
      this.#nodes.set(node, traffic)
    }
    return traffic
  }

  #see(message: CommandMessage): void {
    const outcome = outcomeOf(message)
    if (outcome === undefined) return
    const { key, node } = message
    const ms = performance.now() - (this.#begun.get(message) ?? performance.now())
    const second = this.#currentSecond()
    const traffic = this.#trafficOf(node?.name ?? NO_NODE)
    if (outcome === 'hit') {
      second.hits++
      traffic.hits++
    }
    if (outcome === 'miss') {
      second.misses++
      traffic.misses++
      this.#trafficOf(this.#home(key) ?? NO_NODE).missesOfOwn++
    }
    if (second.latencies.length < LATENCIES_KEPT) second.latencies.push(ms)
    this.#keys.push({
      number: ++this.#number,
      key: key.replace(SESSION, '$1…'),
      position: positionOf(key),
      node: node?.name,
      outcome,
      ms,
    })
    if (this.#keys.length > KEYS_SHOWN) this.#keys.shift()
  }

  #currentSecond(): Second {
    const now = Math.floor(Date.now() / 1000)
    const last = this.#seconds.at(-1)
    if (last?.at === now) return last
    const next: Second = { at: now, hits: 0, misses: 0, latencies: [] }
    this.#seconds.push(next)
    this.#seconds = this.#seconds.slice(-SECONDS_SHOWN - 1)
    return next
  }
}

function outcomeOf(message: CommandMessage): Outcome | undefined {
  const { error, hits, misses, key, operation, result } = message
  if (key === '') return undefined
  if (error !== undefined) return 'failed'
  if (hits) return 'hit'
  if (misses) return isTaken(result) ? 'waiting' : 'miss'
  return WRITES.has(operation) ? 'stored' : undefined
}

function summary(second: Second | undefined): SecondOfTraffic {
  if (second === undefined) return { hits: 0, misses: 0, median: undefined, p99: undefined }
  const sorted = second.latencies.toSorted((a, b) => a - b)
  const at = (share: number): number | undefined =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return { hits: second.hits, misses: second.misses, median: at(0.5), p99: at(0.99) }
}

/** Of an `ItemEntry`. */
function isTaken(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'taken' in result && result.taken === true
}
