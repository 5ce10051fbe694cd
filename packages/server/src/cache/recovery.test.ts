// What a process leaves that dies between any two stores into the arena: a cache runs over memory that refuses
// every store from a certain one on, and another one recovers what is there then.
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FILE_HEADER_BYTES } from './arena.ts'
import { CHANGED, changeNumber } from './arithmetic.ts'
import { Cache } from './cache.ts'
import {
  find,
  keyOf,
  keyOfItem,
  MEGABYTE,
  makeCacheOptions,
  makeItem,
  START_UNIX_SECONDS,
  set,
  textOf,
  valueOfItem,
} from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { allocateCacheMemory } from './cache-memory.ts'
import { hashKey } from './hash.ts'
import type { ItemRef } from './item.ts'
import { COLD, HOT } from './lru.ts'
import { PageMover } from './page-mover.ts'
import { recover } from './recovery.ts'
import { SharedState } from './shared-state.ts'
import { APPEND, StoreRequest, store } from './store.ts'

/** The process is dead. */
class Killed extends Error {}

/** How many stores are still made; negative: as many as there are. */
let storesLeft = -1

function beforeStore(): void {
  if (storesLeft === 0) throw new Killed()
  if (storesLeft > 0) storesLeft--
}

/** Array methods that store; each of a few stores, one after the other. */
const BULK = ['set', 'fill', 'copyWithin']

/** The array, but for stores into it, which may be the last. */
function mortal<T extends Int32Array | Float64Array | Uint8Array>(array: T): T {
  return new Proxy(array, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      if (!BULK.includes(String(property))) return value.bind(target)
      return (...parameters: readonly unknown[]) => {
        const before = target.slice()
        beforeStore()
        Reflect.apply(value, target, parameters)
        const after = target.slice()
        // Half of it, and then the rest.
        const changed = [...after.keys()].filter((i) => after[i] !== before[i])
        const half = changed.length >> 1
        for (const i of changed.slice(half)) target[i] = before[i]
        beforeStore()
        for (const i of changed.slice(half)) target[i] = after[i]
        return target
      }
    },
    set(target, property, value) {
      beforeStore()
      return Reflect.set(target, property, value, target)
    },
  })
}

function mortalView(view: DataView): DataView {
  return new Proxy(view, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      if (!String(property).startsWith('set')) return value.bind(target)
      return (...parameters: readonly unknown[]) => {
        beforeStore()
        Reflect.apply(value, target, parameters)
      }
    },
  })
}

/** Large arrays are copied by the piece: a megabyte a store would take a test's whole time. */
function mortalBytes(bytes: Uint8Array): Uint8Array {
  return new Proxy(bytes, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      if (property === 'set') {
        return (source: Uint8Array, at = 0) => {
          const half = source.length >> 1
          beforeStore()
          target.set(source.subarray(0, half), at)
          beforeStore()
          target.set(source.subarray(half), at + half)
        }
      }
      if (property === 'fill') {
        return (byte: number, from = 0, to = target.length) => {
          for (let at = from; at < to; at++) {
            beforeStore()
            target[at] = byte
          }
          return target
        }
      }
      return value.bind(target)
    },
  })
}

const options = makeCacheOptions({
  memoryLimitBytes: 6 * MEGABYTE,
  // Classes of a few sizes, so that pages have to change them.
  slabSizesBytes: [104, 8192],
  slabChunkMaxBytes: 64 * 1024,
  maxItemSizeBytes: 512 * 1024,
  hashPowerInitial: 4,
})

interface Process {
  readonly cache: Cache
  readonly mover: PageMover
}

type Arena = SharedArrayBuffer

afterEach(() => vi.restoreAllMocks())

/** A process whose stores into the arena count. */
function startMortal(arena: Arena, resumes: boolean): Process {
  const { int32, float64 } = SharedState.prototype
  const isOfArena = (array: Int32Array | Float64Array): boolean => array.buffer === arena
  vi.spyOn(SharedState.prototype, 'int32').mockImplementation(function (this: SharedState, length) {
    const array = int32.call(this, length)
    // The clock, which comes first, needs atomic operations, and ticks by itself.
    const counts = isOfArena(array) && array.byteOffset !== FILE_HEADER_BYTES
    return counts ? mortal(array) : array
  })
  vi.spyOn(SharedState.prototype, 'float64').mockImplementation(function (
    this: SharedState,
    length,
  ) {
    const array = float64.call(this, length)
    return isOfArena(array) ? mortal(array) : array
  })
  const cache = new Cache({ ...allocateCacheMemory(options), arena }, options)
  vi.restoreAllMocks()
  for (const block of cache.arena.blocks) {
    const { words, view, bytes } = block
    Object.assign(block, {
      words: mortal(words),
      view: mortalView(view),
      bytes: mortalBytes(bytes),
    })
  }
  if (resumes) recover(cache)
  else cache.clock.start(START_UNIX_SECONDS)
  return { cache, mover: new PageMover(cache, { patientPasses: 2, stepCost: 200 }) }
}

/** The next process, which finds what is in the arena. */
function startNext(arena: Arena): Cache {
  storesLeft = -1
  const cache = new Cache({ ...allocateCacheMemory(options), arena }, options)
  recover(cache)
  checkInvariants(cache)
  return cache
}

// ---- values that tell whose they are

const KEYS = 40
const nameOf = (key: number): string => `key:${key}`

/** A value that can't be mistaken: its key, a number of its own, and a text that both decide. */
function valueUnder(key: number, version: number, length: number): string {
  const head = `${nameOf(key)}/${version}/`
  const filler = String(hashKey(keyOf(head).block, 0, head.length) >>> 0)
  return head + filler.repeat(Math.ceil(length / filler.length)).slice(0, length)
}

function isWhole(key: string, value: string): boolean {
  const [name, version, filler] = value.split('/')
  if (name !== key) return false
  const head = `${name}/${version}/`
  const expected = String(hashKey(keyOf(head).block, 0, head.length) >>> 0)
  return (
    expected.repeat(Math.ceil(filler.length / expected.length)).slice(0, filler.length) === filler
  )
}

// ---- what a process may be doing

type Operation =
  | { type: 'set'; key: number; length: number }
  | { type: 'append'; key: number; length: number }
  | { type: 'delete' | 'begin' | 'pin' | 'count' | 'fetch'; key: number }
  | { type: 'move'; from: number; to: number }
  | { type: 'unpin' | 'step' | 'maintain' | 'flush' | 'high cas' }

const anyKey = fc.nat(KEYS - 1)
const anyLength = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 3, arbitrary: fc.integer({ min: 3000, max: 8000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 70_000, max: 300_000 }) },
)
const of = <T extends string>(...types: T[]): fc.Arbitrary<T> => fc.constantFrom(...types)
const anyClass = fc.constantFrom(0, 1, 2, 3)
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: of('set'), key: anyKey, length: anyLength }) },
  { weight: 2, arbitrary: fc.record({ type: of('append'), key: anyKey, length: anyLength }) },
  {
    weight: 6,
    arbitrary: fc.record({ type: of('delete', 'begin', 'pin', 'count', 'fetch'), key: anyKey }),
  },
  { weight: 2, arbitrary: fc.record({ type: of('move'), from: anyClass, to: anyClass }) },
  {
    weight: 6,
    arbitrary: fc.record({ type: of('unpin', 'step', 'maintain', 'flush', 'high cas') }),
  },
)

/** What a client knows of one key: what it was answered last, and what it has asked for since. */
interface Ledger {
  /** Undefined: deleted, or never stored. */
  readonly answered: Map<string, string | undefined>
  asked: { readonly key: string; readonly value: string | undefined } | undefined
}

class Client {
  readonly #process: Process
  readonly #ledger: Ledger
  readonly #pinned: ItemRef[] = []
  #version = 0

  constructor(process: Process, ledger: Ledger) {
    this.#process = process
    this.#ledger = ledger
  }

  do(operation: Operation): void {
    const { cache, mover } = this.#process
    switch (operation.type) {
      case 'set':
        this.#set(operation.key, operation.length)
        return
      case 'append':
        this.#append(operation.key)
        return
      case 'delete':
        this.#ask(nameOf(operation.key), undefined, () => {
          const item = find(cache, nameOf(operation.key))
          if (item !== 0) cache.unlink(item)
        })
        return
      case 'begin':
        // A value that never comes whole.
        makeItem(cache, keyOf(nameOf(operation.key)), Buffer.alloc(100_000))
        return
      case 'pin': {
        const item = find(cache, nameOf(operation.key))
        if (item === 0 || !cache.hasFreePin(item)) return
        cache.pin(item)
        this.#pinned.push(item)
        return
      }
      case 'unpin': {
        const item = this.#pinned.pop()
        if (item !== undefined) cache.unpin(item)
        return
      }
      case 'fetch': {
        const item = find(cache, nameOf(operation.key))
        if (item !== 0) cache.lru.bump(item)
        return
      }
      case 'count':
        this.#count(operation.key)
        return
      case 'move':
        cache.pageMoves.ask(operation.from, operation.to, true)
        mover.run()
        return
      case 'step':
        mover.run()
        return
      case 'maintain':
        for (let slabClass = 1; slabClass <= cache.slabs.largestClass; slabClass++) {
          cache.lru.pull(slabClass, HOT, 0, false, 0)
          cache.lru.pull(slabClass, COLD, 0, false, 0)
        }
        return
      case 'flush':
        // Answered or not: nobody may find any of it when it was.
        cache.flush(0)
        for (const key of this.#ledger.answered.keys()) this.#ledger.answered.set(key, undefined)
        return
      case 'high cas': {
        const item = find(cache, nameOf(0))
        if (item !== 0) cache.items.setGivenCas(item, this.#version, this.#version + 1)
      }
    }
  }

  #ask(key: string, value: string | undefined, operation: () => void): void {
    this.#ledger.asked = { key, value }
    operation()
    this.#ledger.answered.set(key, value)
    this.#ledger.asked = undefined
  }

  #set(key: number, length: number): void {
    const name = nameOf(key)
    const value = valueUnder(key, ++this.#version, length)
    this.#ask(name, value, () => set(this.#process.cache, name, value))
  }

  #append(key: number): void {
    const { cache } = this.#process
    const name = nameOf(key)
    const before = textOf(cache, name)
    if (before === undefined || key === 0) return
    // What stays whole when it becomes longer: the filler goes on.
    const [, , filler] = before.split('/')
    const head = before.slice(0, before.length - filler.length)
    const unit = String(hashKey(keyOf(head).block, 0, head.length) >>> 0)
    const added = unit
      .repeat(2)
      .slice(filler.length % unit.length, (filler.length % unit.length) + 5)
    const item = makeItem(cache, keyOf(name), Buffer.from(added))
    if (item === undefined) return
    const request = new StoreRequest()
    request.reset(APPEND)
    this.#ask(name, before + added, () => store(cache, item, keyOf(name).hash, request))
  }

  /** Counts under a key of its own, with numbers that show when two are mixed. */
  #count(key: number): void {
    const { cache } = this.#process
    const name = `count:${key}`
    const item = find(cache, name)
    if (item === 0) {
      this.#ask(name, '1111111111', () => set(cache, name, '1111111111'))
      return
    }
    const now = BigInt(valueOfItem(cache, item).toString('latin1').trim())
    this.#ask(name, String(now + 1111111111n), () => {
      const low = 1111111111
      expect(changeNumber(cache, item, keyOf(name).hash, true, low, 0)).toBe(CHANGED)
    })
  }
}

/** Everything that is there is what was answered last, or what was being done. */
function checkAgainst(cache: Cache, { answered, asked }: Ledger): void {
  for (const item of [...cache.table.all()]) {
    const key = keyOfItem(cache, item)
    const value = textOf(cache, key)?.trimEnd()
    if (value === undefined) continue
    const expected = [answered.get(key)]
    if (asked?.key === key) expected.push(asked.value)
    if (!expected.includes(value)) {
      throw new Error(
        `${key} is ${value.slice(0, 60)}, and not ${expected.map((v) => v?.slice(0, 60))}`,
      )
    }
    if (key.startsWith('key:') && !isWhole(key, value)) throw new Error(`${key} is torn`)
    if (key.startsWith('count:') && Number(BigInt(value) % 1111111111n) !== 0) {
      throw new Error(`${key} is torn: ${value}`)
    }
  }
}

describe('a process that dies at any store', () => {
  test('leaves what was answered, and nothing torn', () => {
    fc.assert(
      fc.property(
        fc.array(anyOperation, { minLength: 10, maxLength: 60 }),
        fc.array(fc.record({ stores: fc.nat(4000), operations: fc.array(anyOperation) }), {
          maxLength: 4,
        }),
        (first, lives) => {
          const arena = allocateCacheMemory(options).arena as Arena
          const ledger: Ledger = { answered: new Map(), asked: undefined }
          let resumes = false
          for (const { stores, operations } of [{ stores: -1, operations: first }, ...lives]) {
            storesLeft = -1
            const client = new Client(startMortal(arena, resumes), ledger)
            storesLeft = stores
            try {
              for (const operation of operations) client.do(operation)
            } catch (error) {
              if (!(error instanceof Killed)) throw error
            }
            const cache = startNext(arena)
            checkAgainst(cache, ledger)
            // What was being done was done, or not.
            if (ledger.asked !== undefined) {
              ledger.answered.set(ledger.asked.key, textOf(cache, ledger.asked.key)?.trimEnd())
              ledger.asked = undefined
            }
            resumes = true
          }
        },
      ),
      { numRuns: Number(process.env.RECOVERY_RUNS ?? 150) },
    )
  }, 120_000)
})
