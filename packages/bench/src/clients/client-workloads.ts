// What every client has to do: so many callers, each with one call under way, over the same keys and
// values. The targets are data of the report, nothing here depends on them.
import { seededRandom, shuffledDeck } from '../workload/random.ts'

export interface ClientWorkload {
  readonly name: string
  readonly title: string
  readonly call: 'get' | 'set' | 'getMulti'
  readonly callers: number
  /** 1, but for getMulti. */
  readonly keysPerCall: number
  readonly valueBytes: number
  readonly nodes: number
  /** How many times as much the cheapest of the others must cost; 1: none may be cheaper. */
  readonly target: number
}

const SMALL = { valueBytes: 100, keysPerCall: 1, nodes: 1 } as const
const LARGE = { ...SMALL, valueBytes: 10 * 1024, callers: 10, target: 1.5 } as const
const MULTI = { ...SMALL, call: 'getMulti', keysPerCall: 100, nodes: 4, target: 2 } as const

export const CLIENT_WORKLOADS: readonly ClientWorkload[] = [
  { ...SMALL, name: 'get-1', title: 'get, 1 caller', call: 'get', callers: 1, target: 1 },
  { ...SMALL, name: 'get-10', title: 'get, 10 callers', call: 'get', callers: 10, target: 2 },
  { ...SMALL, name: 'get-100', title: 'get, 100 callers', call: 'get', callers: 100, target: 2 },
  { ...SMALL, name: 'set-1', title: 'set, 1 caller', call: 'set', callers: 1, target: 1 },
  { ...SMALL, name: 'set-10', title: 'set, 10 callers', call: 'set', callers: 10, target: 2 },
  { ...SMALL, name: 'set-100', title: 'set, 100 callers', call: 'set', callers: 100, target: 2 },
  { ...MULTI, name: 'multiget-1', title: 'getMulti of 100, 4 nodes, 1 caller', callers: 1 },
  { ...MULTI, name: 'multiget-10', title: 'getMulti of 100, 4 nodes, 10 callers', callers: 10 },
  { ...LARGE, name: 'get-10k', title: 'get of 10 KB, 10 callers', call: 'get' },
  { ...LARGE, name: 'set-10k', title: 'set of 10 KB, 10 callers', call: 'set' },
]

export interface Items {
  /** In an order that is random and the same every time. */
  readonly keys: readonly string[]
  readonly valueFor: (key: string) => string
}

const SMALL_ITEMS = 10_000
const LARGE_ITEMS = 1_000
const KEY_DIGITS = 14
const SEED = 0x636c6965

export function itemsOf({ valueBytes }: ClientWorkload): Items {
  const count = valueBytes > 1024 ? LARGE_ITEMS : SMALL_ITEMS
  const deal = shuffledDeck(count, seededRandom(SEED))
  return {
    keys: Array.from({ length: count }, () => `bench:${String(deal()).padStart(KEY_DIGITS, '0')}`),
    // A value begins with its key, so that the answer to another question is noticed.
    valueFor: (key) => key.padEnd(valueBytes, '.'),
  }
}
