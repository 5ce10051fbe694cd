// Statistics as servers tell them: `STAT <name> <value>` lines, group by group, of ours and of any memcached. Knows
// how they are written, not what they mean; a group that a server doesn't have is an empty one.

export type Statistics = ReadonlyMap<string, string>

/** The groups that are asked for, by the word after `stats`. */
export const GROUPS = {
  general: '',
  slabs: 'slabs',
  items: 'items',
  settings: 'settings',
  latency: 'latency',
  memshard: 'memshard',
} as const

export type Group = keyof typeof GROUPS

/** All that a node tells of itself. */
export type NodeStatistics = Readonly<Record<Group, Statistics>>

export const NO_STATISTICS: Statistics = new Map()

export const NOTHING_TOLD: NodeStatistics = {
  general: NO_STATISTICS,
  slabs: NO_STATISTICS,
  items: NO_STATISTICS,
  settings: NO_STATISTICS,
  latency: NO_STATISTICS,
  memshard: NO_STATISTICS,
}

/** Empty for whatever is no statistics, as an error is. */
export function parseStatistics(text: string): Statistics {
  if (!text.startsWith('STAT ')) return NO_STATISTICS
  const found = new Map<string, string>()
  for (const line of text.split('\r\n')) {
    if (!line.startsWith('STAT ')) continue
    const end = line.indexOf(' ', 5)
    if (end > 5) found.set(line.slice(5, end), line.slice(end + 1))
  }
  return found
}

/** The number of a statistic; undefined if it isn't told, or is no number. */
export function numberOf(statistics: Statistics, name: string): number | undefined {
  const text = statistics.get(name)
  if (text === undefined || !/^-?\d+(\.\d+)?$/.test(text)) return undefined
  return Number(text)
}

/** `<prefix><id>:<name>` by id: of `1:chunk_size` and `1:get_hits` one map of two under `1`. */
export function byId(statistics: Statistics, prefix = ''): ReadonlyMap<string, Statistics> {
  const found = new Map<string, Map<string, string>>()
  for (const [name, value] of statistics) {
    if (!name.startsWith(prefix)) continue
    const colon = name.indexOf(':', prefix.length)
    if (colon <= prefix.length) continue
    const id = name.slice(prefix.length, colon)
    let of = found.get(id)
    if (of === undefined) {
      of = new Map()
      found.set(id, of)
    }
    of.set(name.slice(colon + 1), value)
  }
  return found
}

/** The same for slab classes, whose ids are numbers. */
export function bySlabClass(statistics: Statistics, prefix = ''): ReadonlyMap<string, Statistics> {
  return new Map([...byId(statistics, prefix)].filter(([id]) => /^\d+$/.test(id)))
}
