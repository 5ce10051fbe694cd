// What the server tells the page, as JSON. Shared by both, and knows neither.

/** Statistics of `stats` that are kept over time, as they are told: rates are differences of two of them. */
export const SAMPLED = [
  'uptime',
  'curr_connections',
  'total_connections',
  'rejected_connections',
  'cmd_set',
  'cmd_touch',
  'cmd_flush',
  'get_hits',
  'get_misses',
  'get_expired',
  'delete_hits',
  'delete_misses',
  'incr_hits',
  'incr_misses',
  'decr_hits',
  'decr_misses',
  'touch_hits',
  'cas_hits',
  'cas_misses',
  'cas_badval',
  'bytes_read',
  'bytes_written',
  'bytes',
  'limit_maxbytes',
  'curr_items',
  'total_items',
  'evictions',
  'evicted_unfetched',
  'expired_unfetched',
  'reclaimed',
  'store_too_large',
  'store_no_memory',
  'rusage_user',
  'rusage_system',
] as const

export type Sampled = (typeof SAMPLED)[number]

/** In the order of SAMPLED; null: the server doesn't tell. */
export type SampledValues = readonly (number | null)[]

export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly values: SampledValues
  /** Of all requests since the sample before, in microseconds; absent where nothing is told. */
  readonly latency?: Percentiles
  /** Idle seconds of what was evicted last, of the class that evicted most since the sample before. */
  readonly evictedAge?: number
}

export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** A command over the last seconds. */
export interface CommandFigures {
  readonly name: string
  readonly perSecond: number
  readonly bytesInPerSecond: number | null
  readonly bytesOutPerSecond: number | null
  /** In microseconds; null: none was measured. */
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly p999: number | null
  /** Since the start. */
  readonly max: number | null
}

export interface SlabClass {
  readonly id: number
  readonly chunkBytes: number
  readonly pages: number
  readonly usedChunks: number
  readonly freeChunks: number
  readonly items: number
  /** Bytes that the items asked for. */
  readonly requestedBytes: number
  readonly hot: number
  readonly warm: number
  readonly cold: number
  readonly temporary: number
  readonly evicted: number
  /** Idle seconds of what was evicted last. */
  readonly evictedAge: number
  /** Idle seconds of the oldest item. */
  readonly oldestAge: number
  readonly hits: number
  readonly sets: number
  readonly outOfMemory: number
}

export interface Memory {
  readonly limitBytes: number
  /** Bytes of a slab page. */
  readonly pageBytes: number
  /** Pages that belong to no class. */
  readonly poolPages: number
  readonly classes: readonly SlabClass[]
  /** Pages that went from a class to another, since the start; class 0 is the pool. */
  readonly moves: readonly { readonly from: number; readonly to: number; readonly pages: number }[]
}

/** What is under a prefix that has a limit (`-o prefix_limit`). */
export interface LimitedPrefix {
  /** Percent-encoded where it is no plain text. */
  readonly prefix: string
  /** 0: any amount. */
  readonly limitBytes: number
  readonly bytes: number
  readonly items: number
  readonly evictions: number
  readonly refusals: number
}

export interface Identity {
  /** Where clients come to. */
  readonly addresses: readonly string[]
  readonly version: string
  readonly memcachedVersion: string
  readonly transport: string
  readonly threads: number
  readonly pid: number
  readonly maxConnections: number
  /** `serving`, or why clients should not come. */
  readonly state: string
  /** Whether something may be changed by who has the token. */
  readonly actions: boolean
  readonly formation: boolean
}

export interface Contention {
  readonly acquired: number
  readonly contended: number
  readonly waitMicroseconds: number
}

/** `GET /api/state?since=<at>`. */
export interface NodeState {
  readonly identity: Identity
  /** Seconds over which the commands' figures are. */
  readonly commandSeconds: number
  readonly commands: readonly CommandFigures[]
  readonly memory: Memory
  /** In the order of their prefixes. */
  readonly limitedPrefixes: readonly LimitedPrefix[]
  /** Of the cache's lock; absent where nothing is told. */
  readonly lock?: Contention
  /** Those after `since`, oldest first. */
  readonly samples: readonly Sample[]
}

/** `GET /api/keys`. */
export type KeyState =
  | { readonly shown: false; readonly reason: string; readonly token: boolean }
  | {
      readonly shown: true
      readonly windowSeconds: number
      readonly sampled: number
      readonly hot: readonly RankedKey[]
      readonly prefixes: readonly RankedKey[]
      readonly big: readonly RankedKey[]
    }

export interface RankedKey {
  /** Percent-encoded where it is no plain text. */
  readonly key: string
  /** Requests in the window, or bytes. */
  readonly amount: number
}

/** `GET /api/formation`. */
export interface FormationState {
  readonly at: number
  /** Why the list of nodes can't be had at the moment. */
  readonly trouble?: string
  readonly nodes: readonly FormationNode[]
}

export interface FormationNode {
  readonly name: string
  readonly address: string
  /** Of the keys, 0 to 1. */
  readonly share: number
  readonly version?: string
  /** Why it doesn't answer. */
  readonly down?: string
  /** Null when it doesn't answer. */
  readonly values: SampledValues | null
}
