// Functions whose results are in the cache: `fetch` with a key made of the arguments. Knows the client's calls.
import type { Client } from '../client.ts'
import { ArgumentError } from '../errors.ts'
import type { FetchOptions } from '../fetch/fetch-options.ts'
import { type TagStamp, Tags } from '../tags.ts'
import { textAsKey } from '../text-as-key.ts'
import { argumentKey } from './argument-key.ts'

export interface MemoizeOptions<Args extends unknown[] = never[]>
  extends Omit<FetchOptions, 'signal'> {
  /** Where the results are. It stays yours to close. */
  readonly client: Pick<Client, 'add' | 'cas' | 'delete' | 'fetch' | 'getMulti' | 'gets' | 'set'>
  /** What the keys begin with. Change it when the results change their form. The same name means the same results. */
  readonly name: string
  /** Seconds that a result is fresh; 0: for ever. */
  readonly ttl: number
  /**
   * What the result depends on, as data or as a text. Default: all arguments, as data; never `this`, which the function may take
   * with `key.call`.
   */
  readonly key?: (...args: Args) => unknown
  /** By which results go out of date: see Tags, of which the prefix is the default. */
  readonly tags?: (...args: Args) => Iterable<string>
}

/** Undefined, too, is what was null. */
type Result<R> = Promise<NonNullable<Awaited<R>> | undefined>

export interface Memoized<This, Args extends unknown[], R> {
  (this: This, ...args: Args): Result<R>
  /** Forgets the result: who asks next waits for a new one. False when there was none. */
  invalidate(...args: Args): Promise<boolean>
  /**
   * Makes the result anew now, while others get the one before. For a method `service.find.refresh.call(service, id)`, which needs
   * its object. A result that was forgotten meanwhile is given, and not stored.
   */
  refresh(this: unknown, ...args: Args): Result<R>
  /** What its result is stored under. */
  keyOf(...args: Args): string
}

/** Of TC39's proposal: replaces a method with a memoized one. */
export type MemoizeDecorator<Args extends unknown[]> = <This, R>(
  method: (this: This, ...args: Args) => R,
  context: ClassMethodDecoratorContext,
) => Memoized<This, Args, R>

/** A result with what its tags were before it was begun; null: they couldn't be known. */
interface Tagged {
  readonly stamp: TagStamp | null
  readonly value: unknown
}

const NAME_MAX_BYTES = 150
/** A longer text that is a key is hashed. */
const KEY_MAX_LENGTH = 90
/** While results go out of date faster than they are made, or what they depend on can't be known, each makes its own. */
const MAX_TRIES = 3

/** `memoize(load, { client, name: 'user', ttl: 60 })`: as `client.fetch` with what `load` makes of its arguments. */
export function memoize<This, Args extends unknown[], R>(
  work: (this: This, ...args: Args) => R,
  options: MemoizeOptions<Args>,
): Memoized<This, Args, R>
/** `@memoize({ client, name: 'user', ttl: 60 })` before a method. What it returns must not depend on its object. */
export function memoize<Args extends unknown[]>(
  options: MemoizeOptions<Args>,
): MemoizeDecorator<Args>
export function memoize<Args extends unknown[], R>(
  work: ((this: unknown, ...args: Args) => R) | MemoizeOptions<Args>,
  options?: MemoizeOptions<Args>,
): Memoized<unknown, Args, R> | MemoizeDecorator<Args> {
  if (typeof work !== 'function') return decorator(work)
  if (options === undefined) throw new ArgumentError('memoize takes options: client, name, ttl')
  return memoized(work, options)
}

function decorator<Args extends unknown[]>(options: MemoizeOptions<Args>): MemoizeDecorator<Args> {
  return (method, context) => {
    if (context?.kind !== 'method') {
      throw new ArgumentError('memoize decorates methods, by the standard’s decorators')
    }
    return memoized(method, options)
  }
}

function memoized<This, Args extends unknown[], R>(
  work: (this: This, ...args: Args) => R,
  options: MemoizeOptions<Args>,
): Memoized<This, Args, R> {
  const { client, name, ttl, key, tags: tagsOf, ...fetchOptions } = options
  if (typeof name !== 'string' || name === '' || Buffer.byteLength(name) > NAME_MAX_BYTES) {
    throw new ArgumentError(`name: give 1 to ${NAME_MAX_BYTES} bytes, which no other function has`)
  }
  const tags = tagsOf && new Tags({ client })

  const keyOf = (...args: Args): string => {
    const what = key === undefined ? argumentKey(args) : key(...args)
    const own =
      typeof what === 'string' ? textAsKey(what, KEY_MAX_LENGTH, 'base64url') : argumentKey([what])
    return `${name}:${own}`
  }

  const make = async (self: This, args: Args): Promise<unknown> => {
    if (tags === undefined || tagsOf === undefined)
      return (await work.apply(self, args)) ?? undefined
    // Before the work. What can't be known counts as out of date for all but the one who asks now.
    const stamp = (await tags.stamp(tagsOf(...args)).catch(() => undefined)) ?? null
    const value = (await work.apply(self, args)) ?? undefined
    return value === undefined ? undefined : { stamp, value }
  }

  const plain = (made: unknown) =>
    (tags === undefined ? made : (made as Tagged | undefined)?.value) as Awaited<Result<R>>

  async function call(this: This, ...args: Args): Result<R> {
    const at = keyOf(...args)
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      let isOwn = false
      const load = async () => {
        isOwn = true
        return make(this, args)
      }
      const made = await client.fetch<unknown, unknown>(at, ttl, load, fetchOptions)
      if (tags === undefined || made === undefined || isOwn) return plain(made)
      const { stamp } = made as Tagged
      // A cache that can't tell is one that has nothing, as for all of `fetch`.
      const isCurrent = stamp !== null && (await tags.isCurrent(stamp).catch(() => false))
      if (isCurrent) return plain(made)
      const old = await client.gets<Tagged>(at).catch(() => undefined)
      // Unless somebody has made a new one.
      const isSame = JSON.stringify(old?.value?.stamp) === JSON.stringify(stamp)
      if (old !== undefined && isSame) await client.delete(at, { cas: old.cas }).catch(() => false)
    }
    return plain(await make(this, args))
  }

  async function refresh(this: unknown, ...args: Args): Result<R> {
    const at = keyOf(...args)
    const self = (this === call ? undefined : this) as This
    const old = await client.gets(at).catch(() => undefined)
    if (old === undefined) return call.apply(self, args)
    const made = await make(self, args)
    const lives = ttl === 0 ? 0 : ttl + (fetchOptions.staleFor ?? 0)
    // As the version that was there before: what was forgotten meanwhile stays so.
    const stored =
      made === undefined
        ? client.delete(at, { cas: old.cas })
        : client.cas(at, made as never, old.cas, { ttl: lives })
    await stored.catch(() => {})
    return plain(made)
  }

  const invalidate = (...args: Args): Promise<boolean> => client.delete(keyOf(...args))
  Object.defineProperty(call, 'name', { value: work.name })
  return Object.assign(call, { invalidate, refresh, keyOf })
}
