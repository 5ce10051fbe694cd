// Watches over the cache's lock in a thread: every method and accessor of what lies in shared memory is wrapped, and
// who comes in without the lock is told on stderr, once each. Knows the cache's classes by their modules alone.
import { writeSync } from 'node:fs'
import { load } from '../built-server.ts'

/** Before each line of a report. */
export const UNLOCKED = 'without the lock:'

/** Modules whose classes are state that threads share. Others work on what a thread has for itself. */
const SHARED = [
  'arithmetic',
  'big-keys',
  'cache',
  'crawl',
  'event-log',
  'event-ring',
  'eviction-counts',
  'hash-table',
  'heavy-keeper',
  'histograms',
  'hot-keys',
  'item',
  'key-list',
  'lru',
  'page-moves',
  'periods',
  'prefix-invalidations',
  'prefix-limits',
  'prefix-statistics',
  'size-histogram',
  'slab-pages',
  'slabs',
  'statistics',
  'store',
  'telemetry',
  'tuning',
  'watch-slots',
]

type Method = (this: unknown, ...given: unknown[]) => unknown

let held = false
/** Until the first hold there is nobody else: the cache is being built, or recovered. */
let shared = false
const told = new Set<string>()

function check(member: string): void {
  if (held || !shared || told.has(member)) return
  told.add(member)
  writeSync(2, `${UNLOCKED} ${member}\n`)
}

/** To be called before anything of the server is constructed in this thread. */
export async function guardLock(): Promise<void> {
  const { Lock } = (await load('cache/lock.js')) as Record<string, { prototype: object }>
  after(Lock.prototype, 'acquire', () => {
    held = true
    shared = true
  })
  before(Lock.prototype, 'release', () => {
    held = false
  })
  for (const name of SHARED) {
    for (const [exported, value] of Object.entries(await load(`cache/${name}.js`))) {
      if (isClass(value)) guard(exported, value.prototype)
    }
  }
}

function guard(name: string, prototype: object): void {
  for (const [member, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (member === 'constructor') continue
    const inside = (call: Method): Method =>
      function (...given) {
        check(`${name}.${member}`)
        return call.apply(this, given)
      }
    const { value, get, set } = descriptor
    Object.defineProperty(prototype, member, {
      ...descriptor,
      ...(typeof value === 'function' && { value: inside(value as Method) }),
      ...(get !== undefined && { get: inside(get) as () => unknown }),
      ...(set !== undefined && { set: inside(set as Method) as (value: unknown) => void }),
    })
  }
}

function after(prototype: object, member: string, then: () => void): void {
  const call = Reflect.get(prototype, member) as Method
  Reflect.set(prototype, member, function (this: unknown, ...given: unknown[]) {
    const result = call.apply(this, given)
    then()
    return result
  })
}

function before(prototype: object, member: string, first: () => void): void {
  const call = Reflect.get(prototype, member) as Method
  Reflect.set(prototype, member, function (this: unknown, ...given: unknown[]) {
    first()
    return call.apply(this, given)
  })
}

function isClass(value: unknown): value is { readonly prototype: object } {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
}
