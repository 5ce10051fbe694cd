// The words behind a command of Redis: times to live and conditions, keys in any of the forms that ioredis takes. Knows no client.
import { ArgumentError } from '../errors.ts'
import { UnsupportedCommandError } from './ioredis-refusals.ts'

export type RedisKey = string | Buffer
export type RedisValue = string | Buffer | number
type Word = string | number

/** How long something lives: seconds or a moment, for ever, or as long as it had. */
export type Lifetime = number | Date | 'ever' | 'kept'

export interface SetWords {
  readonly lifetime: Lifetime
  readonly condition: 'NX' | 'XX' | undefined
  /** The value from before is the result. */
  readonly get: boolean
}

const TIMES: Readonly<Record<string, (amount: number) => number | Date>> = {
  EX: (seconds) => seconds,
  PX: (milliseconds) => Math.ceil(milliseconds / 1000),
  EXAT: (seconds) => new Date(seconds * 1000),
  PXAT: (milliseconds) => new Date(milliseconds),
}

/** @throws ArgumentError for what makes no sense. */
export function setWords(words: readonly Word[]): SetWords {
  let lifetime: Lifetime | undefined
  let condition: 'NX' | 'XX' | undefined
  let get = false
  for (let i = 0; i < words.length; i++) {
    const word = String(words[i]).toUpperCase()
    if (word === 'NX' || word === 'XX') {
      if (condition !== undefined && condition !== word) throw syntaxError()
      condition = word
    } else if (word === 'GET') get = true
    else {
      if (lifetime !== undefined) throw syntaxError()
      lifetime = word === 'KEEPTTL' ? 'kept' : timeOf('set', word, words[++i])
    }
  }
  return { lifetime: lifetime ?? 'ever', condition, get }
}

/** @throws ArgumentError for what makes no sense. */
export function getexWords([word, amount]: readonly Word[]): Lifetime {
  if (word === undefined) return 'kept'
  if (String(word).toUpperCase() === 'PERSIST') return 'ever'
  return timeOf('getex', String(word).toUpperCase(), amount)
}

/** Whole, as Redis wants it. @throws ArgumentError when it is no number. */
export function integerOf(value: unknown): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && value !== '') return number
  throw new ArgumentError('ERR value is not an integer or out of range')
}

export function keysOf(keys: readonly (RedisKey | readonly RedisKey[])[]): RedisKey[] {
  return keys.flat()
}

/** Of `mset`: pairs in turn, or in an array, an object or a Map. @throws ArgumentError when one is half. */
export function pairsOf(args: readonly unknown[]): (readonly [key: RedisKey, value: RedisValue])[] {
  const [first] = args
  if (first instanceof Map) return [...first]
  if (args.length === 1 && typeof first === 'object' && !Array.isArray(first) && first !== null) {
    return Object.entries(first)
  }
  const flat = args.flat() as (RedisKey & RedisValue)[]
  if (flat.length === 0 || flat.length % 2 !== 0) {
    throw new ArgumentError("ERR wrong number of arguments for 'mset' command")
  }
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!])
}

/** @throws UnsupportedCommandError when there are any. */
export function noMoreWords(command: string, words: readonly unknown[]): void {
  if (words.length === 0) return
  throw new UnsupportedCommandError(
    `${command} ${words.join(' ')}`,
    'memcached sets a time to live unconditionally: look at ttl first',
  )
}

function timeOf(command: string, word: string, amount: Word | undefined): number | Date {
  const time = Object.hasOwn(TIMES, word) ? TIMES[word] : undefined
  if (time === undefined || amount === undefined) throw syntaxError()
  const number = integerOf(amount)
  if (number > 0) return time(number)
  throw new ArgumentError(`ERR invalid expire time in '${command}' command`)
}

function syntaxError(): ArgumentError {
  return new ArgumentError('ERR syntax error')
}
