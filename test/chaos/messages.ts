// What the harness and the processes that make load tell each other.
import type { ClientOptions } from '@memshard/client'

export interface LoadPlan {
  readonly name: string
  readonly seed: number
  /** The file with the list of nodes. */
  readonly nodes: string
  readonly onNodeDown: Extract<ClientOptions['onNodeDown'], string>
  /** Where a proxy is through which all calls go; undefined: to the nodes themselves. */
  readonly proxy?: string
}

/** As if it were a node: what befalls it befalls all that go through it. */
export const PROXY = 'proxy'

export type ToLoad =
  /** From here on until it is well, anything may happen to what this node is asked. */
  | { readonly kind: 'fault'; readonly node: string }
  | { readonly kind: 'well'; readonly node: string }
  /** No more faults. */
  | { readonly kind: 'finish' }

/** How many of these reads found something, and how many had to, whatever befell the nodes. */
export interface Ratio {
  readonly all: number
  readonly found: number
  readonly expected: number
}

export interface LoadReport {
  readonly name: string
  readonly calls: number
  readonly hits: number
  readonly misses: number
  /** Misses of what a well node had said it has. */
  readonly unexplainedMisses: readonly string[]
  /** Reads of keys that had a value somewhere, as far as their writer knew. */
  readonly reads: Ratio
  readonly errors: Readonly<Record<string, number>>
  /** Values that no write of this key can have left where it was found, and errors of no known kind. */
  readonly wrong: readonly string[]
  /** Values older than the newest that was stored anywhere: where a node has come back with what it had. */
  readonly outdated: number
  /** Milliseconds from the call to its result. */
  readonly latest: number
  readonly timeout: number
  /** Milliseconds from a node's recovery to its first answer here. */
  readonly recoveries: readonly number[]
  /** By tens of seconds. */
  readonly p50: readonly number[]
  readonly p99: readonly number[]
  /** When all was well again: keys that were written and then found, of how many. */
  readonly finallyFound: number
  readonly finallyWritten: number
}
