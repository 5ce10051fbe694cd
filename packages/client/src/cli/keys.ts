// `keys`: every key of every node. Prints as they come, since there may be millions.
import type { ListedItem } from '../listing/key-listing.ts'
import type { Key } from '../wire/key-form.ts'
import type { Row } from './output.ts'
import type { Run } from './session.ts'
import { EXIT_DONE } from './surroundings.ts'

export interface KeysOptions {
  readonly long?: boolean
  readonly prefix?: string
  readonly limit?: number
}

export function listKeys(options: KeysOptions): Run {
  return async ({ client, output, timeout, surroundings: { signal } }) => {
    const { prefix = '', limit = Number.POSITIVE_INFINITY, long = false } = options
    if (limit === 0) return EXIT_DONE
    let listed = 0
    const items = client.items(prefix, {
      timeout: Math.max(timeout, LEAST_SILENCE_MS),
      // Whoever looks at nodes wants to see what they have, and not what the pool would find there.
      everywhere: true,
      signal,
    })
    try {
      for await (const item of items) {
        if (output.json) await output.document({ ...item, key: shown(item.key) })
        else await output.line(long ? longLine(item) : shown(item.key))
        listed++
        if (listed >= limit) break
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return EXIT_DONE
  }
}

/** A large node may look at many items between two that it tells. */
const LEAST_SILENCE_MS = 10_000

/** Bytes that are no text as the node has encoded them. */
function shown(key: Key): string {
  if (typeof key === 'string') return key
  return Array.from(key, (byte) =>
    /[\w.~-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

/** In columns that fit most keys without knowing all of them. */
function longLine({ node, key, size, ttl, idle }: ListedItem): string {
  const cells: Row = { node, size, ttl: ttl === undefined ? '-' : `${ttl}s`, idle: `${idle}s` }
  const columns = Object.values(cells).map((cell, i) =>
    i === 0 ? String(cell).padEnd(20) : String(cell).padStart(8),
  )
  return `${columns.join(' ')}  ${shown(key)}`
}
