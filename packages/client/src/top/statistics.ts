// The answers of a node to `stats` and its kinds, as one sample of numbers. Pure: knows no node, no time but the one it is
// given, and takes what is missing (an older memcached, another kind of server) as nothing.

/** By name, as the node tells them. */
export type Statistics = ReadonlyMap<string, string>

/** Undefined: the node doesn't have these. */
export interface Answers {
  readonly general: Statistics
  readonly items: Statistics | undefined
  readonly slabs: Statistics | undefined
  readonly latency: Statistics | undefined
  readonly hotKeys: Statistics | undefined
}

/** What only grows while the node's process lives, but for `stats reset`. */
export interface Counters {
  readonly gets: number
  readonly sets: number
  readonly deletes: number
  /** incr and decr. */
  readonly arithmetic: number
  readonly touches: number
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

export interface Latency {
  readonly command: string
  readonly count: number
  /** Microseconds. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export interface HotKey {
  /** With bytes other than letters, digits and `-._~` as `%XX`. */
  readonly key: string
  /** An estimate, over the window. */
  readonly requests: number
}

export interface HotKeys {
  readonly windowSeconds: number
  readonly keys: readonly HotKey[]
}

export interface SlabClass {
  readonly id: number
  readonly chunkSize: number
  readonly pages: number
  readonly usedChunks: number
  readonly totalChunks: number
  readonly items: number
  /** Bytes that its items asked for. */
  readonly requested: number
  readonly evicted: number
  /** Seconds. */
  readonly age: number
}

export interface Sample {
  /** Milliseconds of a clock that doesn't jump. */
  readonly at: number
  readonly pid: number
  readonly version: string
  /** Seconds. */
  readonly uptime: number
  readonly counters: Counters
  readonly bytes: number
  readonly limit: number
  readonly items: number
  readonly connections: number
  /** Seconds since the last access of the item that waits longest. */
  readonly age: number | undefined
  /** Seconds since its last access that the item had waited which was evicted last; the least of all slab classes. */
  readonly evictedAge: number | undefined
  /** Of the commands that were seen; undefined where the node doesn't measure. */
  readonly latency: readonly Latency[] | undefined
  readonly hotKeys: HotKeys | undefined
  readonly slabs: readonly SlabClass[]
}

export function sampleOf(answers: Answers, at: number): Sample {
  const { general } = answers
  const ages = classesOf(answers.items, 'items:')
  const evicted = [...ages.values()].filter((of) => number(of, 'evicted') > 0)
  return {
    at,
    pid: number(general, 'pid'),
    version: general.get('version') ?? '',
    uptime: number(general, 'uptime'),
    counters: countersOf(general),
    bytes: number(general, 'bytes'),
    limit: number(general, 'limit_maxbytes'),
    items: number(general, 'curr_items'),
    connections: number(general, 'curr_connections'),
    age: ages.size === 0 ? undefined : Math.max(...values(ages, 'age')),
    evictedAge:
      evicted.length === 0
        ? undefined
        : Math.min(...evicted.map((of) => number(of, 'evicted_time'))),
    latency: answers.latency && latencyOf(answers.latency),
    hotKeys: answers.hotKeys && hotKeysOf(answers.hotKeys),
    slabs: slabsOf(classesOf(answers.slabs, ''), ages),
  }
}

function countersOf(general: Statistics): Counters {
  const sum = (...names: readonly string[]): number =>
    names.reduce((total, name) => total + number(general, name), 0)
  return {
    gets: sum('cmd_get'),
    sets: sum('cmd_set'),
    deletes: sum('delete_hits', 'delete_misses'),
    arithmetic: sum('incr_hits', 'incr_misses', 'decr_hits', 'decr_misses'),
    touches: sum('cmd_touch'),
    hits: sum('get_hits'),
    misses: sum('get_misses'),
    evictions: sum('evictions'),
    bytesRead: sum('bytes_read'),
    bytesWritten: sum('bytes_written'),
  }
}

function latencyOf(latency: Statistics): Latency[] | undefined {
  // Measured, but turned off.
  if (latency.has('telemetry')) return undefined
  const commands = [...latency.keys()]
    .filter((name) => name.endsWith(':count'))
    .map((name) => name.slice(0, -':count'.length))
  return commands.map((command) => ({
    command,
    count: number(latency, `${command}:count`),
    p50: number(latency, `${command}:p50_us`),
    p90: number(latency, `${command}:p90_us`),
    p99: number(latency, `${command}:p99_us`),
    p999: number(latency, `${command}:p999_us`),
    max: number(latency, `${command}:max_us`),
  }))
}

function hotKeysOf(hotKeys: Statistics): HotKeys | undefined {
  if (!hotKeys.has('window_seconds')) return undefined
  const keys = [...hotKeys]
    .filter(([name]) => name.startsWith('key:'))
    .map(([name, requests]) => ({ key: name.slice('key:'.length), requests: Number(requests) }))
  return { windowSeconds: number(hotKeys, 'window_seconds'), keys }
}

function slabsOf(
  slabs: ReadonlyMap<number, Statistics>,
  items: ReadonlyMap<number, Statistics>,
): SlabClass[] {
  return Array.from(slabs, ([id, of]) => {
    const itemsOf = items.get(id) ?? new Map<string, string>()
    return {
      id,
      chunkSize: number(of, 'chunk_size'),
      pages: number(of, 'total_pages'),
      usedChunks: number(of, 'used_chunks'),
      totalChunks: number(of, 'total_chunks'),
      items: number(itemsOf, 'number'),
      requested: number(itemsOf, 'mem_requested'),
      evicted: number(itemsOf, 'evicted'),
      age: number(itemsOf, 'age'),
    }
  })
}

/** `<prefix><class>:<name>`, by class and name. */
function classesOf(statistics: Statistics | undefined, prefix: string): Map<number, Statistics> {
  const classes = new Map<number, Map<string, string>>()
  for (const [name, value] of statistics ?? []) {
    const [, id, of] = /^(\d+):(\w+)$/.exec(name.slice(prefix.length)) ?? []
    if (id === undefined || of === undefined || !name.startsWith(prefix)) continue
    const known = classes.get(Number(id)) ?? new Map<string, string>()
    classes.set(Number(id), known.set(of, value))
  }
  return classes
}

function values(classes: ReadonlyMap<number, Statistics>, name: string): number[] {
  return Array.from(classes.values(), (of) => number(of, name))
}

function number(statistics: Statistics, name: string): number {
  const value = Number(statistics.get(name) ?? 0)
  return Number.isFinite(value) ? value : 0
}
