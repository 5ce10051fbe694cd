// Versions and statistics of nodes in the shapes that the npm package `memcached` gives them. Knows lines, no client.
export interface ServerVersion {
  readonly server: string
  readonly version: string
  readonly major: string
  readonly minor: string
  readonly bugfix: string
}

export interface DumpedItem {
  readonly key: string
  /** Bytes of the value. */
  readonly b: number
  /** When it expires, as Unix time. */
  readonly s: number
}

type Statistic = string | number

/** By their names; with `server`, whose they are. */
export type Statistics = Record<string, Statistic | Record<string, Statistic>>

export function versionOf(server: string, text: string): ServerVersion {
  const [version = text, major = '0', minor = '0', bugfix = '0'] =
    /(\d+)\.(\d+)\.(\d+)/.exec(text) ?? []
  return { server, version, major, minor, bugfix }
}

export function plainStatistics(server: string, lines: ReadonlyMap<string, string>): Statistics {
  return shaped(server, lines, (statistics, name, value) => {
    statistics[name] = value
  })
}

/** `1:chunk_size` by its class; what is of all classes too, by `undefined`, as there. */
export function slabStatistics(server: string, lines: ReadonlyMap<string, string>): Statistics {
  return shaped(server, lines, (statistics, name, value) => {
    const [slabClass = '', of] = name.split(':')
    groupIn(statistics, slabClass)[String(of)] = value
  })
}

/** `items:1:number` by its class. */
export function itemStatistics(server: string, lines: ReadonlyMap<string, string>): Statistics {
  return shaped(server, lines, (statistics, name, value) => {
    const [, slabClass = '', of = ''] = name.split(':')
    groupIn(statistics, slabClass)[of] = value
  })
}

/** As the package gives several: one is by itself, and none is undefined. */
export function dumpedItems(
  lines: ReadonlyMap<string, string>,
): DumpedItem[] | DumpedItem | undefined {
  const items = [...lines].map(([key, facts]): DumpedItem => {
    const [, b, s] = /^\[(\d+) b; (-?\d+) s\]/.exec(facts) ?? []
    return { key, b: Number(b), s: Number(s) }
  })
  return items.length > 1 ? items : items[0]
}

function shaped(
  server: string,
  lines: ReadonlyMap<string, string>,
  put: (statistics: Statistics, name: string, value: Statistic) => void,
): Statistics {
  if (lines.size === 0) return {}
  const statistics: Statistics = { server }
  for (const [name, text] of lines) {
    const [word = ''] = text.split(' ')
    put(statistics, name, /^\d+$/.test(word) ? Number(word) : word)
  }
  return statistics
}

function groupIn(statistics: Statistics, name: string): Record<string, Statistic> {
  const group = statistics[name]
  if (typeof group === 'object') return group
  const fresh: Record<string, Statistic> = {}
  statistics[name] = fresh
  return fresh
}
