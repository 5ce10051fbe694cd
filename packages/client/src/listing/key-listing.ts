// All keys that begin so, node after node, each where calls for it would look. Knows nodes and whose key is whose; how a
// node tells of its items is node-items.ts's.
import { milliseconds } from '../arguments.ts'
import type { CallIssuer } from '../call-issuer.ts'
import { ArgumentError, PartialError } from '../errors.ts'
import type { Node } from '../node/node.ts'
import type { Pool } from '../pool.ts'
import type { Key } from '../wire/key-form.ts'
import { version } from '../wire/operations.ts'
import type { RawItem } from './listed-item.ts'
import { itemsOf } from './node-items.ts'

export interface ListingOptions {
  /** Ends it with the signal's reason. */
  readonly signal?: AbortSignal
  /**
   * Milliseconds without a word from a node after which it has failed; not from one item to the next, because a node may
   * look at very many between two that it tells of. Default 10,000.
   */
  readonly timeout?: number
  /**
   * Also what no call would find, because another node is responsible for it: of `replicas`, or of what nodes had before
   * others came. A key then comes once from each node that has it. Default false.
   */
  readonly everywhere?: boolean
}

/** An item as its node lists it, without its value. */
export interface ListedItem extends Omit<RawItem, 'key'> {
  readonly key: Key
  /** The name of the node. */
  readonly node: string
}

const DEFAULT_SILENCE_MS = 10_000

/** @throws PartialError at the end, when nodes failed; what the others have was given. */
export async function* listItems(
  pool: Pool,
  calls: CallIssuer,
  prefix: string,
  { signal, timeout, everywhere = false }: ListingOptions,
): AsyncGenerator<ListedItem, void, undefined> {
  const silence = milliseconds('timeout', timeout ?? DEFAULT_SILENCE_MS)
  const sent = calls.keys.beginning(prefix)
  if (pool.nodes.length === 0) {
    await calls.nodesAreKnown({ ...version, name: 'keys' }, signal && { signal })
  }
  const nodes = [...pool.nodes, ...pool.gutter]
  const failed = new Map<string, Error>()
  for (const node of nodes) {
    const belongs = (routingKey: string | undefined): boolean =>
      everywhere || routingKey === undefined || pool.locate(routingKey) === node
    try {
      for await (const item of itemsOfLiving(pool, node, sent, { signal, silence })) {
        const listed = calls.keys.listed(item.key)
        if (listed === undefined || !belongs(listed.routingKey)) continue
        yield { ...item, key: listed.key, node: node.name }
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof ArgumentError) throw error
      failed.set(node.name, error instanceof Error ? error : new Error(String(error)))
    }
  }
  if (failed.size > 0) throw new PartialError(new Map(), failed, nodes.length)
}

function itemsOfLiving(
  pool: Pool,
  node: Node,
  ...rest: readonly [prefix: string, options: Parameters<typeof itemsOf>[2]]
): AsyncGenerator<RawItem, void> {
  if (node.state !== 'up') throw pool.refusal(node)
  return itemsOf(node, ...rest)
}
