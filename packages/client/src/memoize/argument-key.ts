// Arguments as a key: equal ones make the same key in every process and release, different ones different keys. Knows no cache.
import { hash } from 'node:crypto'
import { ArgumentError } from '../errors.ts'

/** Deeper than that it goes round in circles. */
const MAX_DEPTH = 50

/**
 * Of 43 characters, however much the arguments are. For plain data: null, undefined, booleans, numbers, bigints, strings, Dates, bytes,
 * arrays, Maps, Sets and plain objects, whose properties have no order, nor have the members of Maps and Sets. Trailing `undefined` is
 * no argument.
 * @throws ArgumentError for what has no value that could be written down: functions, symbols, objects of classes, circles.
 */
export function argumentKey(args: readonly unknown[]): string {
  let length = args.length
  while (length > 0 && args[length - 1] === undefined) length--
  return hash('sha256', written(args.slice(0, length), 0), 'base64url')
}

/** What begins with a letter is no JSON, so that nothing looks like something else. */
function written(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'number':
      // 0 and -0 are the same to those who ask.
      return Number.isFinite(value) ? String(value + 0) : `N${value}`
    case 'bigint':
      return `B${value}`
    case 'undefined':
      return 'U'
    case 'object':
      return value === null ? 'null' : writtenObject(value, depth + 1)
    default:
      return refuse(`a ${typeof value}`)
  }
}

function writtenObject(value: object, depth: number): string {
  if (depth > MAX_DEPTH) return refuse('something so deep, or a circle,')
  const each = (values: Iterable<unknown>) => Array.from(values, (one) => written(one, depth))
  if (Array.isArray(value)) return `[${each(value).join()}]`
  if (value instanceof Date) return `D${value.getTime()}`
  if (value instanceof Uint8Array) return `Y${Buffer.from(value).toString('base64url')}`
  if (value instanceof Set) return `S[${each(value).sort().join()}]`
  if (value instanceof Map) return `M[${each(value).sort().join()}]`
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return refuse(`an object of class ${value.constructor?.name}`)
  }
  const properties = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => `${JSON.stringify(name)}:${written(one, depth)}`)
  return `{${properties.join()}}`
}

function refuse(what: string): never {
  throw new ArgumentError(
    `${what} is no part of a key: give the option key, which makes one of the arguments`,
  )
}
