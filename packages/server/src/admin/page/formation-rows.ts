// What follows from two looks at a formation: each node's load and hit ratio, how even the load is, and which node is
// cold. Knows no drawing.
import { type FormationNode, type FormationState, SAMPLED, type Sampled } from '../page-data.ts'

export interface FormationRow {
  readonly node: FormationNode
  /** `down`, `cold`, or nothing to say. */
  readonly mark: 'down' | 'cold' | undefined
  /** Why it is marked. */
  readonly reason: string | undefined
  readonly perSecond: number | null
  /** Of all requests to the formation, 0 to 1. */
  readonly load: number | null
  readonly hitRatio: number | null
  readonly evictionsPerSecond: number | null
  readonly uptime: number | null
  readonly items: number | null
  readonly bytes: number | null
  readonly limitBytes: number | null
  readonly connections: number | null
}

export interface FormationFigures {
  readonly rows: readonly FormationRow[]
  /** The busiest node's load over what its share of the keys would have it be; 1 is even. */
  readonly imbalance: number | null
  readonly perSecond: number | null
  readonly hitRatio: number | null
  readonly up: number
}

/** A node that has run for less, while others have for longer, has yet to see its keys. */
const YOUNG_SECONDS = 600
/** So much below the others' hit ratio is cold. */
const COLD_RATIO = 0.8
/** Fewer requests say nothing of a ratio. */
const TELLING_REQUESTS = 20

const REQUESTS: readonly Sampled[] = [
  'get_hits',
  'get_misses',
  'cmd_set',
  'cmd_touch',
  'delete_hits',
  'delete_misses',
  'incr_hits',
  'incr_misses',
  'decr_hits',
  'decr_misses',
]

interface Measured {
  readonly node: FormationNode
  readonly perSecond: number | null
  readonly hits: number
  readonly gets: number
  readonly evictionsPerSecond: number | null
}

/** `before` is an earlier look: some seconds, so that rates are calm. */
export function figuresOf(
  now: FormationState,
  before: FormationState | undefined,
): FormationFigures {
  const seconds = before === undefined ? 0 : (now.at - before.at) / 1000
  const measured = now.nodes.map((node): Measured => {
    const earlier = before?.nodes.find(({ name }) => name === node.name)
    const grown = (names: readonly Sampled[]): number | null =>
      seconds <= 0 ? null : growth(node, earlier, names)
    const perSecond = (names: readonly Sampled[]): number | null => {
      const growth = grown(names)
      return growth === null ? null : growth / seconds
    }
    return {
      node,
      perSecond: perSecond(REQUESTS),
      hits: grown(['get_hits']) ?? 0,
      gets: grown(['get_hits', 'get_misses']) ?? 0,
      evictionsPerSecond: perSecond(['evictions']),
    }
  })
  const all = measured.reduce((sum, { perSecond }) => sum + (perSecond ?? 0), 0)
  const rows = measured.map((one) => row(one, measured, all))
  const [hits, gets] = [sum(measured, 'hits'), sum(measured, 'gets')]
  return {
    rows,
    imbalance: imbalanceOf(rows),
    perSecond: seconds > 0 ? all : null,
    hitRatio: gets === 0 ? null : hits / gets,
    up: now.nodes.filter(({ values }) => values !== null).length,
  }
}

function row(one: Measured, measured: readonly Measured[], all: number): FormationRow {
  const { node, perSecond, hits, gets, evictionsPerSecond } = one
  const reason = node.down ?? coldness(one, measured)
  return {
    node,
    mark: node.down !== undefined ? 'down' : reason === undefined ? undefined : 'cold',
    reason,
    perSecond,
    load: perSecond === null || all === 0 ? null : perSecond / all,
    hitRatio: gets === 0 ? null : hits / gets,
    evictionsPerSecond,
    uptime: statistic(node, 'uptime'),
    items: statistic(node, 'curr_items'),
    bytes: statistic(node, 'bytes'),
    limitBytes: statistic(node, 'limit_maxbytes'),
    connections: statistic(node, 'curr_connections'),
  }
}

/** Why a node is cold, beside the others; undefined if it isn't. */
function coldness(one: Measured, measured: readonly Measured[]): string | undefined {
  const others = measured.filter((other) => other !== one && other.node.values !== null)
  if (others.length === 0) return undefined
  const uptime = statistic(one.node, 'uptime') ?? Number.POSITIVE_INFINITY
  const usual = median(others.map(({ node }) => statistic(node, 'uptime') ?? 0))
  const telling = others.filter(({ gets }) => gets >= TELLING_REQUESTS)
  if (one.gets >= TELLING_REQUESTS && telling.length > 0) {
    const ratio = one.hits / one.gets
    const theirs = median(telling.map(({ hits, gets }) => hits / gets))
    if (ratio < theirs * COLD_RATIO) {
      return `it finds ${Math.round(ratio * 100)} % where others find ${Math.round(theirs * 100)} %`
    }
    return undefined
  }
  if (uptime < YOUNG_SECONDS && uptime * 4 < usual) return 'it has just started'
  return undefined
}

function imbalanceOf(rows: readonly FormationRow[]): number | null {
  const ratios = rows.flatMap(({ load, node }) =>
    load === null || node.share === 0 ? [] : [load / node.share],
  )
  return ratios.length === 0 ? null : Math.max(...ratios)
}

/** Null for a node that has begun anew, or was not there. */
function growth(
  node: FormationNode,
  earlier: FormationNode | undefined,
  names: readonly Sampled[],
): number | null {
  if (earlier === undefined) return null
  let sum = 0
  for (const name of names) {
    const [value, before] = [statistic(node, name), statistic(earlier, name)]
    if (value === null || before === null || value < before) return null
    sum += value - before
  }
  return sum
}

function statistic({ values }: FormationNode, name: Sampled): number | null {
  return values?.[SAMPLED.indexOf(name)] ?? null
}

function sum(measured: readonly Measured[], what: 'hits' | 'gets'): number {
  return measured.reduce((all, one) => all + one[what], 0)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]
    : (sorted[middle - 1] + sorted[middle]) / 2
}
