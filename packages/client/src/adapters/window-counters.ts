// Counters of windows of time as items of a cache, and what becomes of who can't be counted. Knows no framework and no limit.
import { expiry } from '../arguments.ts'
import type { Client } from '../client.ts'
import { ArgumentError, NodeDownError, ServerError } from '../errors.ts'
import { textAsKey } from '../text-as-key.ts'
import type { MetaAnswer } from '../wire/meta-operations.ts'

/**
 * What becomes of who can't be counted, because the cache doesn't answer: `allow` lets all pass, `refuse` nobody, `error` rejects.
 */
export type OnFailure = 'allow' | 'refuse' | 'error'

export interface LimitOptions {
  /** Whose sockets it uses. It stays yours to close. */
  readonly client: Pick<Client, 'namespace'>
  /** What the keys of counters begin with. Default `limit:`. */
  readonly prefix?: string
  /** Default `allow`: an outage of the cache is none of the application. */
  readonly onFailure?: OnFailure
}

/** What was counted, and for how many seconds more. */
export interface Count {
  readonly count: number
  readonly resetsIn: number
}

/** The count of a request that isn't counted, and must be refused. */
export const TOO_MANY = Number.MAX_SAFE_INTEGER

const DEFAULT_PREFIX = 'limit:'
/** Leaves room for prefixes. */
const KEY_MAX_LENGTH = 100

/** Counters that end with their windows, in a namespace of a client. */
export class WindowCounters {
  readonly #items: ReturnType<Client['namespace']>

  constructor({ client, prefix = DEFAULT_PREFIX }: LimitOptions) {
    this.#items = client.namespace(prefix)
  }

  /** The first that is counted begins a window of so many seconds. */
  async add(key: string, by: number, window: number): Promise<Count> {
    const flags = [`N${expiry(window)}`, `J${by}`, `D${by}`, 't', 'v'] as const
    return countOf(await this.#items.meta('ma', keyOf(key), flags), window)
  }

  async read(key: string, window: number): Promise<Count> {
    const answer = await this.#items.meta('mg', keyOf(key), ['t', 'v'])
    if (answer.status !== 'VA') return { count: 0, resetsIn: window }
    return countOf(answer, window)
  }

  /** Down to 0; nothing where there is no window. */
  async subtract(key: string, by: number): Promise<void> {
    await this.#items.decr(keyOf(key), by)
  }

  /** Makes the window end so many seconds from now. */
  async extend(key: string, window: number): Promise<void> {
    await this.#items.touch(keyOf(key), window)
  }

  async remove(key: string): Promise<void> {
    await this.#items.delete(keyOf(key))
  }

  /** All of them, in no time. Only nodes of memshard can. */
  async removeAll(): Promise<void> {
    await this.#items.invalidatePrefix('')
  }
}

/**
 * What was done, or what is to be said instead when the cache fails and the application is to live through that.
 * Rejects as `done` does with `error`, and with what is a mistake in the application.
 */
export async function unlessDown<T>(
  onFailure: OnFailure,
  done: Promise<T>,
  instead: (isAllowed: boolean, error: Error) => T,
): Promise<T> {
  try {
    return await done
  } catch (error) {
    const isOutage = error instanceof Error && !(error instanceof ArgumentError)
    if (onFailure === 'error' || !isOutage) throw error
    return instead(onFailure === 'allow', error)
  }
}

/** memcached counts time in seconds: a window has at least one, and whole ones. */
export function windowSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000))
}

/** @throws ArgumentError when it is none. */
export function onFailureOf({ onFailure = 'allow' }: LimitOptions): OnFailure {
  if (['allow', 'refuse', 'error'].includes(onFailure)) return onFailure
  throw new ArgumentError(`onFailure is ${String(onFailure)}: give allow, refuse or error`)
}

function countOf({ status, flags, value }: MetaAnswer, window: number): Count {
  // With `N` a counter is always there: a miss is that of a node that is down.
  if (value === undefined) throw new NodeDownError(`the counter's node answers ${status}`)
  const count = Number(value.toString())
  if (!Number.isSafeInteger(count)) throw new ServerError('the counter holds no number')
  const left = Number(flags.get('t'))
  return { count, resetsIn: left >= 0 ? left : window }
}

/** Who is counted chooses the key, more often than not: none may escape by one that can't be sent. */
function keyOf(key: string): string {
  return textAsKey(key, KEY_MAX_LENGTH)
}
