// What a process leaves that dies between any two stores into the arena: a cache runs over memory that refuses
// every store from a certain one on, and another one recovers what is there then.
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FILE_HEADER_BYTES, PAGE_BYTES } from './arena.ts'
import { CHANGED, changeNumber } from './arithmetic.ts'
import { Cache } from './cache.ts'
import {
  casOfItem,
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
function startMortal(arena: Arena): Process {
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

const KEYS = 14
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
  | { type: 'delete' | 'begin' | 'pin' | 'count' | 'fetch' | 'high cas'; key: number }
  | { type: 'move'; from: number; to: number }
  | { type: 'unpin' | 'maintain' | 'flush' }

/** What takes nothing away from any other key. */
const HARMLESS: readonly Operation['type'][] = [
  'delete',
  'pin',
  'count',
  'fetch',
  'high cas',
  'unpin',
]

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
    weight: 10,
    arbitrary: fc.record({
      type: of('delete', 'begin', 'pin', 'count', 'count', 'fetch', 'high cas'),
      key: anyKey,
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: of('move'), from: anyClass, to: anyClass }) },
  { weight: 3, arbitrary: fc.record({ type: of('unpin', 'maintain', 'flush') }) },
)

/** What a client knows of one key: what it was answered last, and what it has asked for since. */
interface Ledger {
  /** Undefined: deleted, or never stored. */
  readonly answered: Map<string, string | undefined>
  readonly uniques: Map<string, bigint>
  asked: { readonly key: string; readonly value: string | undefined } | undefined
}

class Client {
  readonly #process: Process
  readonly #ledger: Ledger
  readonly #pinned: ItemRef[] = []
  #version: number

  constructor(process: Process, ledger: Ledger, version = 0) {
    this.#process = process
    this.#ledger = ledger
    this.#version = version
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
        for (let steps = 0; steps < 50 && mover.run() !== undefined; steps++) {}
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
        const name = nameOf(operation.key)
        const item = find(cache, name)
        if (item === 0) return
        const low = ++this.#version
        this.#ask(name, textOf(cache, name), () => cache.items.setGivenCas(item, low, low + 1))
      }
    }
  }

  #ask(key: string, value: string | undefined, operation: () => void): void {
    this.#ledger.asked = { key, value }
    operation()
    const item = find(this.#process.cache, key)
    this.#ledger.answered.set(key, value)
    if (item !== 0) this.#ledger.uniques.set(key, casOfItem(this.#process.cache, item))
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
    const name = `count:${key % 3}`
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

/** A CAS unique of the cache's own, or one of those that are set here. */
function isUnique(cas: bigint): boolean {
  const [low, high] = [cas & 0xffff_ffffn, cas >> 32n]
  return high === 0n ? low > 0n : high === low + 1n
}

/** Everything that is there is what was answered last, or what was being done. */
function checkAgainst(cache: Cache, { answered, asked, uniques }: Ledger): void {
  for (const item of [...cache.table.all()]) {
    const key = keyOfItem(cache, item)
    const cas = casOfItem(cache, item)
    const right = asked?.key === key ? isUnique(cas) : cas === uniques.get(key)
    if (!right && find(cache, key) !== 0) throw new Error(`${key} has the CAS unique ${cas}`)
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

/** What an arena holds, so that the same moment can be lived through again. */
function copyOf(arena: Arena, { pages }: Cache): Uint8Array {
  return new Uint8Array(arena).slice(0, (pages.everUsed + 1) * PAGE_BYTES)
}

/** At most so many stores of an operation are tried as its last; of more, a selection. */
const MOST_DEATHS = 36

/** The numbers below `stores` at which to die: all, or some of the first, of the last and of those between. */
function deaths(stores: number): readonly number[] {
  const all = [...new Array(stores).keys()]
  if (stores <= MOST_DEATHS) return all
  const third = MOST_DEATHS / 3
  const step = stores / third
  return [...all.slice(0, third), ...all.slice(-third), ...all.filter((n) => n % step < 1)]
}

/** Does it with so many stores; how many it took, or undefined if it died. */
function attempt(stores: number, operation: () => void): number | undefined {
  storesLeft = stores
  try {
    operation()
    return stores - storesLeft
  } catch (error) {
    if (error instanceof Killed) return undefined
    throw error
  } finally {
    storesLeft = -1
  }
}

const keysOf = (cache: Cache): readonly string[] =>
  [...cache.table.all()]
    .map((item) => keyOfItem(cache, item))
    .filter((key) => find(cache, key) !== 0)

const AS_MANY_AS_IT_TAKES = 1e9

describe('a process that dies at any store', () => {
  test('leaves what was answered, and nothing torn', () => {
    fc.assert(
      fc.property(
        fc.array(anyOperation, { minLength: 5, maxLength: 60 }),
        fc.array(anyOperation, { minLength: 1, maxLength: 4 }),
        (before, last) => {
          const arena = allocateCacheMemory(options).arena as Arena
          const ledger: Ledger = { answered: new Map(), uniques: new Map(), asked: undefined }
          const process = startMortal(arena)
          process.cache.clock.start(START_UNIX_SECONDS)
          const client = new Client(process, ledger)
          for (const operation of before) client.do(operation)
          const moment = copyOf(arena, process.cache)

          /** Lives from that moment on, and returns the stores that it took unless it died of them. */
          const live = (stores: number): [number | undefined, Ledger] => {
            new Uint8Array(arena).set(moment)
            const process = startMortal(arena)
            const own: Ledger = {
              answered: new Map(ledger.answered),
              uniques: new Map(ledger.uniques),
              asked: undefined,
            }
            const client = new Client(process, own, before.length)
            const taken = attempt(stores, () => {
              recover(process.cache)
              for (const operation of last) client.do(operation)
            })
            return [taken, own]
          }
          const held = keysOf(process.cache)
          const [stores = 0] = live(AS_MANY_AS_IT_TAKES)
          const isHarmless = last.every(({ type }) => HARMLESS.includes(type))
          for (const death of deaths(stores)) {
            const [taken, own] = live(death)
            expect(taken).toBe(undefined)
            const next = startNext(arena)
            checkAgainst(next, own)
            if (!isHarmless) continue
            for (const key of held) {
              const touched = own.asked?.key === key || own.answered.get(key) === undefined
              if (!touched && find(next, key) === 0) throw new Error(`${key} is lost`)
            }
          }
        },
      ),
      { numRuns: Number(process.env.RECOVERY_RUNS ?? 12) },
    )
  }, 240_000)

  /** Dies at each store of an operation in turn, or at the last ones, and looks at what the next process finds. */
  function dieThroughout(
    prepare: (process: Process) => void,
    operation: (process: Process) => void,
    look: (next: Cache) => void,
    last = Number.POSITIVE_INFINITY,
  ): void {
    const arena = allocateCacheMemory(options).arena as Arena
    const cache = new Cache({ ...allocateCacheMemory(options), arena }, options)
    cache.clock.start(START_UNIX_SECONDS)
    prepare({ cache, mover: new PageMover(cache) })
    const moment = copyOf(arena, cache)
    const live = (stores: number): number | undefined => {
      new Uint8Array(arena).set(moment)
      const process = startMortal(arena)
      recover(process.cache)
      return attempt(stores, () => operation(process))
    }
    const stores = live(AS_MANY_AS_IT_TAKES) ?? 0
    for (let death = Math.max(0, stores - last); death < stores; death++) {
      expect(live(death)).toBe(undefined)
      look(startNext(arena))
    }
  }

  test('while an item is copied to where it is found first', () => {
    const value = valueUnder(1, 1, 5000)
    dieThroughout(
      ({ cache }) => {
        set(cache, 'x', value)
        set(cache, nameOf(1), value)
        cache.unlink(find(cache, 'x'))
      },
      ({ cache }) => cache.relocate(find(cache, nameOf(1)), cache.slabs.allocate(2)),
      (next) => expect(textOf(next, nameOf(1))).toBe(value),
    )
  })

  /** Fills values with what would be an item in another class, at each place where one could begin there. */
  function forge({ cache }: Process): void {
    const { items, slabs, pages } = cache
    set(cache, 'small', 'x')
    const forged = set(cache, 'f', 'y') ?? 0
    const at = items.offset(forged)
    const bytes = slabs.chunkSizes[1]
    const fake = items.block(forged).bytes.slice(at, at + bytes)
    for (let n = 0; pages.count(2) < 2 || n < 300; n++) {
      const item = set(cache, `large:${n}`, 'v'.repeat(8000)) ?? 0
      const [from, length] = [items.valueAt(item), items.valueLength(item)]
      const value = Uint8Array.from({ length }, (_, i) => fake[((from + i) % PAGE_BYTES) % bytes])
      items.block(item).bytes.set(value, from)
    }
    for (let n = 0; n < 300; n++) {
      const item = find(cache, `large:${n}`)
      if (item !== 0) cache.unlink(item)
    }
    cache.unlink(find(cache, 'f'))
  }

  function movePage({ cache, mover }: Process): void {
    cache.pageMoves.ask(2, 1, true)
    while (mover.run() !== undefined) {}
  }

  /** Nobody ever stored it after it was deleted. */
  const expectNothingForged = (next: Cache): void => {
    expect(keysOf(next).filter((key) => key === 'f')).toEqual([])
    expect(textOf(next, 'small')).toBe('x')
  }

  test('while a page of values that look like items comes to another class', () => {
    dieThroughout(forge, movePage, expectNothingForged, 12)
  }, 120_000)

  test('while the first chunks are taken of such a page', () => {
    dieThroughout(
      (process) => {
        forge(process)
        movePage(process)
        // The class's own page is used up.
        const { cache } = process
        const { slabs } = cache
        for (let n = 0; slabs.freeChunks(1) > slabs.chunksPerPage(1); n++) set(cache, `${n}`, '')
      },
      ({ cache }) => {
        for (let n = 0; n < 2; n++) cache.allocate(keyOf('new').block, 0, 3, 0, 0, 3, 0)
      },
      expectNothingForged,
    )
  }, 240_000)
})
