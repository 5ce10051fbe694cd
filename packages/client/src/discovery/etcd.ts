// Nodes from etcd: those registered under a prefix, and every change from the moment it is made. Knows
// which keys are nodes; how etcd is asked is etcd-gateway.ts's.
import { milliseconds } from '../arguments.ts'
import { DiscoveryError } from '../errors.ts'
import { type NodeSpec, parseNode } from '../node/address.ts'
import type { Discovery } from './discovery.ts'
import { EtcdCompacted, EtcdGateway, type EtcdOptions, reasonOf } from './etcd-gateway.ts'
import { nodeFromJson, parseNodeLine } from './node-list.ts'

/** Where registrations are unless another prefix is given. */
export const DEFAULT_PREFIX = '/memshard/nodes/'

export interface EtcdDiscoveryOptions extends EtcdOptions {
  /** Default `/memshard/nodes/`. */
  readonly prefix?: string
  /** Milliseconds after which the watch is begun anew, in case its connection is dead. Default 60,000. */
  readonly interval?: number
}

/**
 * The nodes that are registered under a prefix of etcd v3, by `register` or anybody: the key behind the prefix
 * is the node's name, the value `host:port`, `host:port:weight`, or a JSON object as `nodes` takes it.
 */
export function etcdDiscovery(options: EtcdDiscoveryOptions = {}): Discovery {
  const { prefix = DEFAULT_PREFIX } = options
  const interval = milliseconds('interval', options.interval ?? 60_000)
  const etcd = new EtcdGateway(options)
  return {
    async *watch({ signal, pause, report }) {
      const nodes = (entries: ReadonlyMap<string, string>): NodeSpec[] =>
        Array.from(entries, ([key, value]) =>
          nodeOf(key.slice(prefix.length), value, report),
        ).flat()
      try {
        for (;;) {
          const { revision, entries } = await etcd.range(prefix, signal)
          const present = new Map(entries.map(({ key, value }) => [key, value]))
          yield nodes(present)
          let next = revision + 1
          while (next > 0) {
            // A stream ends after the interval, or when a node has failed: if its connection is dead that
            // shows now, and what was missed comes at once in the next.
            const stream = new AbortController()
            const end = (): void => stream.abort()
            signal.addEventListener('abort', end)
            pause(interval).then(end, end)
            try {
              for await (const { revision, changes } of etcd.watch(prefix, next, stream.signal)) {
                next = revision + 1
                for (const { key, value } of changes) {
                  if (value === undefined) present.delete(key)
                  else present.set(key, value)
                }
                yield nodes(present)
              }
              throw new Error('it ended the watch')
            } catch (error) {
              if (error instanceof EtcdCompacted) next = 0
              else if (!stream.signal.aborted) throw error
            } finally {
              signal.removeEventListener('abort', end)
              stream.abort()
            }
            signal.throwIfAborted()
          }
        }
      } catch (cause) {
        throw new DiscoveryError(`etcd tells of no nodes: ${reasonOf(cause)}`, { cause })
      }
    },
  }
}

/** None when the entry is wrong: one wrong entry must not hide the others. */
function nodeOf(name: string, value: string, report: (error: unknown) => void): NodeSpec[] {
  try {
    const isJson = value.trimStart().startsWith('{')
    const node = isJson ? nodeFromJson(JSON.parse(value)) : parseNodeLine(`${value.trim()} ${name}`)
    const named = typeof node === 'string' ? node : { name, ...node }
    parseNode(named)
    return [named]
  } catch (cause) {
    report(new DiscoveryError(`${name} in etcd is no node: ${reasonOf(cause)}`, { cause }))
    return []
  }
}
