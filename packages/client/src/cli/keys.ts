// `keys`: every key of every node, by `lru_crawler metadump`, which walks a node's items without stopping it.
// Knows the lines of that dump; prints as they come, since there may be millions.
import { ServerError } from '../errors.ts'
import type { NodeAddress } from '../node/address.ts'
import { linesOf } from './line-stream.ts'
import type { Row } from './output.ts'
import type { Run } from './session.ts'
import { EXIT_DONE } from './surroundings.ts'

export interface KeysOptions {
  readonly long?: boolean
  readonly prefix?: string
  readonly limit?: number
}

interface Listed {
  readonly node: string
  readonly key: string
  /** Of the item, with its key and header. */
  readonly size: number
  /** Seconds; undefined: never expires. */
  readonly ttl: number | undefined
  /** Seconds since the last access. */
  readonly idle: number
  readonly fetched: boolean
}

export function listKeys(options: KeysOptions): Run {
  return async ({ nodes, output, timeout, surroundings }) => {
    const { prefix = '', limit = Number.POSITIVE_INFINITY, long = false } = options
    let listed = 0
    for (const node of nodes) {
      const lines = dump(node, prefix, {
        last: 'END',
        silence: Math.max(timeout, LEAST_SILENCE_MS),
        signal: surroundings.signal,
      })
      for await (const line of lines) {
        if (listed >= limit) return EXIT_DONE
        const item = parseLine(node.name, line)
        if (item === undefined || !item.key.startsWith(prefix)) continue
        listed++
        if (output.json) await output.document(item)
        else await output.line(long ? longLine(item) : item.key)
      }
    }
    return EXIT_DONE
  }
}

/** Of the keys under a prefix, where a node can tell them apart; of all of them else. */
async function* dump(
  node: NodeAddress,
  prefix: string,
  options: Parameters<typeof linesOf>[2],
): AsyncGenerator<string, void> {
  if (PREFIX.test(prefix)) {
    try {
      yield* linesOf(node, `list_prefix ${prefix}`, options)
      return
    } catch (error) {
      // memcached has no such command.
      if (!(error instanceof ServerError)) throw error
    }
  }
  yield* linesOf(node, 'lru_crawler metadump all', options)
}

/** What can stand in a command line, and is a prefix of keys as they are. */
const PREFIX = /^[!-~]{1,250}$/

/** A large node may look at many items between two that it tells. */
const LEAST_SILENCE_MS = 10_000

/** `key=a%20b exp=-1 la=1700000000 cas=3 fetch=no cls=1 size=63`; undefined for any other line. */
export function parseLine(node: string, line: string): Listed | undefined {
  const fields = new Map(line.split(' ').map((part) => splitAt(part, part.indexOf('='))))
  const key = fields.get('key')
  if (key === undefined) return undefined
  const now = Math.floor(Date.now() / 1000)
  const expiry = Number(fields.get('exp'))
  return {
    node,
    key: decoded(key),
    size: Number(fields.get('size')),
    ttl: expiry <= 0 ? undefined : Math.max(0, expiry - now),
    idle: Math.max(0, now - Number(fields.get('la'))),
    fetched: fields.get('fetch') === 'yes',
  }
}

function splitAt(text: string, at: number): [string, string] {
  return [text.slice(0, at), text.slice(at + 1)]
}

/** Binary keys are no UTF-8: they are shown as the node has encoded them. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}

/** In columns that fit most keys without knowing all of them. */
function longLine({ node, key, size, ttl, idle }: Listed): string {
  const cells: Row = { node, size, ttl: ttl === undefined ? '-' : `${ttl}s`, idle: `${idle}s` }
  const columns = Object.values(cells).map((cell, i) =>
    i === 0 ? String(cell).padEnd(20) : String(cell).padStart(8),
  )
  return `${columns.join(' ')}  ${key}`
}
