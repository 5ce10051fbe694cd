// The items of one node whose keys begin so: page after page where the node can do that (`list_prefix` of memshard), in one
// long answer where it can't (`lru_crawler metadump` of memcached). Knows these two commands and their refusals.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionError, ServerError } from '../errors.ts'
import type { LineConnection, LinesOptions } from '../node/line-connection.ts'
import type { Node } from '../node/node.ts'
import { parseItem, type RawItem } from './listed-item.ts'

/** Held here at a time. */
const PAGE_ITEMS = 1000
/** memcached crawls for one at a time, itself included, mostly for less than this. */
const BUSY_PAUSE_MS = 100

const REFUSAL = /^(?:ERROR|CLIENT_ERROR|SERVER_ERROR|BUSY|BADCLASS)\b/
const IS_BUSY = /^(?:BUSY\b|ERROR locked)/

/** What a node answers instead of a list. */
class Refusal extends Error {}

/**
 * Each item that is there all the time comes once.
 * @throws ConnectionError when the node fails, ServerError when it lists nothing, or the signal's reason.
 */
export async function* itemsOf(
  node: Node,
  prefix: string,
  options: LinesOptions,
): AsyncGenerator<RawItem, void> {
  if (prefix !== '') {
    try {
      yield* pages(node, prefix, options)
      return
    } catch (error) {
      // memcached has no such command.
      if (!(error instanceof Refusal) || error.message !== 'ERROR') throw told(node, error)
    }
  }
  try {
    yield* dump(node, Buffer.from(prefix), options)
  } catch (error) {
    throw told(node, error)
  }
}

/** Between two pages the node does nothing for it, and a lost connection costs a page. */
async function* pages(
  node: Node,
  prefix: string,
  options: LinesOptions,
): AsyncGenerator<RawItem, void> {
  let connection: LineConnection | undefined
  let next: string | undefined = '0'
  try {
    while (next !== undefined) {
      const command = `list_prefix ${prefix} ${PAGE_ITEMS} ${next}`
      let page: Page
      try {
        connection ??= await node.openLines(options.signal)
        page = await pageOf(connection, command, options)
      } catch (error) {
        // It may have been idle for as long as the caller has taken for the page before.
        if (!(error instanceof ConnectionError) || next === '0') throw error
        connection?.close()
        connection = await node.openLines(options.signal)
        page = await pageOf(connection, command, options)
      }
      yield* page.items
      next = page.next
    }
  } finally {
    connection?.close()
  }
}

interface Page {
  readonly items: readonly RawItem[]
  /** Where the next begins; undefined: there is none. */
  readonly next: string | undefined
}

async function pageOf(
  connection: LineConnection,
  command: string,
  options: LinesOptions,
): Promise<Page> {
  const items: RawItem[] = []
  for await (const line of connection.ask(command, options)) {
    if (line === 'END') break
    if (line.startsWith('NEXT ')) return { items, next: line.slice('NEXT '.length) }
    items.push(itemIn(line))
  }
  return { items, next: undefined }
}

/**
 * All items, of which those that begin otherwise are passed over. By the hash table, where an item is once; the LRU lists
 * (`all`) move meanwhile.
 */
async function* dump(
  node: Node,
  prefix: Buffer,
  options: LinesOptions,
): AsyncGenerator<RawItem, void> {
  const patience = performance.now() + (options.silence ?? 0)
  while (true) {
    const connection = await node.openLines(options.signal)
    let any = false
    try {
      for await (const line of connection.ask('lru_crawler metadump hash', options)) {
        if (line === 'END') return
        if (line === 'OK') continue
        const item = itemIn(line)
        any = true
        if (item.key.subarray(0, prefix.length).equals(prefix)) yield item
      }
    } catch (error) {
      const isBusy = error instanceof Refusal && IS_BUSY.test(error.message)
      if (any || !isBusy || performance.now() > patience) throw error
    } finally {
      connection.close()
    }
    await sleep(BUSY_PAUSE_MS, undefined, { signal: options.signal })
  }
}

function itemIn(line: string): RawItem {
  const item = REFUSAL.test(line) ? undefined : parseItem(line)
  if (item === undefined) throw new Refusal(line)
  return item
}

function told({ name }: Node, error: unknown): unknown {
  if (!(error instanceof Refusal)) return error
  return new ServerError(
    `${name} does not list its keys (${error.message}): that takes memshard-server, or memcached 1.6 with its LRU crawler on, without -X and not behind a proxy`,
    { node: name },
  )
}
