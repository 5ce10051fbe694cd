// Commands about keys: get, set, add, delete, touch, incr, decr. Each is a call of the client, and an exit code that
// says whether there was something. Knows no socket.
import { buffer } from 'node:stream/consumers'
import type { Client } from '../client.ts'
import type { Value } from '../codec/value-codec.ts'
import { ArgumentError } from '../errors.ts'
import type { Run, Session } from './session.ts'
import { EXIT_DONE, EXIT_NOT_THERE } from './surroundings.ts'

export interface WriteFlags {
  readonly ttl?: number
  readonly initial?: bigint
}

export function get(keys: readonly string[]): Run {
  return async ({ client, output }) => {
    const found = await client.getMulti(keys)
    // In the order they were asked for: nodes answer in any.
    const there = [...new Set(keys)].filter((key) => found.has(key))
    if (output.json) {
      await output.document(
        keys.length === 1
          ? valueAsJson(found.get(keys[0]!))
          : Object.fromEntries(there.map((key) => [key, valueAsJson(found.get(key))])),
      )
    } else if (keys.length === 1) {
      const value = found.get(keys[0]!)
      if (value !== undefined) await output.value(asShown(value))
    } else {
      const rows = there.map((key) => ({
        key,
        value: Buffer.from(asShown(found.get(key)!)).toString('utf8'),
      }))
      await output.table(rows)
    }
    return keys.every((key) => found.has(key)) ? EXIT_DONE : EXIT_NOT_THERE
  }
}

/** Bytes and text as they are, everything else as JSON has it. */
function asShown(value: Value): Uint8Array | string {
  if (typeof value === 'string' || value instanceof Uint8Array) return value
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}

/** JSON has no bytes: those of text are shown as text. No value is null, as in `get` of a missing key. */
function valueAsJson(value: Value | undefined): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return value ?? null
}

export function store(mode: 'set' | 'add', key: string, value: string, { ttl }: WriteFlags): Run {
  return async (session) => {
    const data = value === '-' ? await buffer(session.surroundings.stdin) : value
    const options = ttl === undefined ? {} : { ttl }
    // Bytes from a file are stored as other clients' strings are: without a mark of ours.
    const stored = await session.client[mode](key, textOrBytes(data), options)
    return told(session, { key, stored }, stored)
  }
}

/** Text keeps flags 0, which every client reads. */
function textOrBytes(data: Buffer | string): Value {
  if (typeof data === 'string') return data
  const text = data.toString('utf8')
  return data.equals(Buffer.from(text)) ? text : data
}

export function remove(keys: readonly string[]): Run {
  return async (session) => {
    const deleted = await Promise.all(keys.map((key) => session.client.delete(key)))
    const results = keys.map((key, i) => ({ key, deleted: deleted[i]! }))
    const all = deleted.every(Boolean)
    return told(session, keys.length === 1 ? results[0] : results, all)
  }
}

export function touch(key: string, seconds: string): Run {
  const ttl = Number(seconds)
  if (!/^-?\d+$/.test(seconds)) {
    throw new ArgumentError(`${seconds} is no time to live: give whole seconds, 0 for ever`)
  }
  return async (session) => {
    const touched = await session.client.touch(key, ttl)
    return told(session, { key, touched }, touched)
  }
}

export function count(
  direction: 'incr' | 'decr',
  key: string,
  by: string | undefined,
  { initial, ttl }: WriteFlags,
): Run {
  if (by !== undefined && !/^\d{1,20}$/.test(by)) {
    throw new ArgumentError(`${by} is no amount: give a whole number from 0 to 2^64-1`)
  }
  return async ({ client, output }) => {
    const options: Parameters<Client['incr']>[2] = {
      ...(initial === undefined ? {} : { initial }),
      ...(ttl === undefined ? {} : { ttl }),
    }
    const value = await client[direction](key, BigInt(by ?? 1), options)
    if (output.json) await output.document({ key, value: value ?? null })
    else if (value !== undefined) await output.line(String(value))
    return value === undefined ? EXIT_NOT_THERE : EXIT_DONE
  }
}

/** For people the exit code is enough, as for other commands that succeed in silence. */
async function told({ output }: Session, result: unknown, done: boolean): Promise<number> {
  if (output.json) await output.document(result)
  return done ? EXIT_DONE : EXIT_NOT_THERE
}
