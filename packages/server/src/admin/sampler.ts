// The last minutes of a node, a sample each second, so that a page that is opened has a past to show. Bounded; knows
// what is kept, not who looks at it.
import { countOf, type Histogram, parseHistogram, quantile, since } from './histogram-text.ts'
import {
  type CommandFigures,
  type Percentiles,
  SAMPLED,
  type Sample,
  type SampledValues,
} from './page-data.ts'
import {
  byId,
  bySlabClass,
  type NodeStatistics,
  numberOf,
  type Statistics,
} from './statistics-text.ts'

/** Ten minutes; some 300 bytes each. */
const KEPT_SAMPLES = 600
/** The figures of commands are over so many samples. */
const COMMAND_SAMPLES = 10

interface CommandCounts {
  readonly count: number
  readonly bytesIn: number | undefined
  readonly bytesOut: number | undefined
  readonly durations: Histogram | undefined
  readonly maxMicroseconds: number | undefined
}

interface Moment {
  readonly at: number
  readonly commands: ReadonlyMap<string, CommandCounts>
  /** By slab class. */
  readonly evicted: ReadonlyMap<string, number>
}

export class Sampler {
  readonly #samples: Sample[] = []
  /** The last ones, oldest first. */
  readonly #moments: Moment[] = []

  /** Of `general`, `items`, `latency` and `memshard`, whichever are told. */
  take(at: number, node: NodeStatistics): void {
    const before = this.#moments.at(-1)
    const moment: Moment = {
      at,
      commands: commandCounts(node),
      evicted: evictedByClass(node.items),
    }
    const latency = before && percentilesOf(moment.commands, before.commands)
    const evictedAge = before && ageOfEvicted(node.items, moment, before)
    this.#samples.push({
      at,
      values: sampledValues(node.general),
      ...(latency && { latency }),
      ...(evictedAge !== undefined && { evictedAge }),
    })
    this.#moments.push(moment)
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift()
    if (this.#moments.length > COMMAND_SAMPLES + 1) this.#moments.shift()
  }

  /** Oldest first. */
  samplesAfter(at: number): readonly Sample[] {
    const first = this.#samples.findIndex((sample) => sample.at > at)
    return first < 0 ? [] : this.#samples.slice(first)
  }

  /** How many seconds the figures of commands are about. */
  get commandSeconds(): number {
    const [first, last] = [this.#moments[0], this.#moments.at(-1)]
    return first === undefined || last === undefined ? 0 : (last.at - first.at) / 1000
  }

  /** Most frequent first. */
  commands(): readonly CommandFigures[] {
    const [first, last] = [this.#moments[0], this.#moments.at(-1)]
    const seconds = this.commandSeconds
    if (first === undefined || last === undefined || seconds === 0) return []
    return Array.from(last.commands, ([name, now]) =>
      figures(name, now, first.commands.get(name), seconds),
    ).sort((one, other) => other.perSecond - one.perSecond || one.name.localeCompare(other.name))
  }
}

export function sampledValues(general: Statistics): SampledValues {
  return SAMPLED.map((name) => numberOf(general, name) ?? null)
}

function commandCounts({ latency, memshard }: NodeStatistics): ReadonlyMap<string, CommandCounts> {
  const traffic = byId(memshard)
  const counts = new Map<string, CommandCounts>()
  for (const [name, told] of byId(latency)) {
    const count = numberOf(told, 'count')
    if (count === undefined) continue
    const bytes = traffic.get(name)
    counts.set(name, {
      count,
      bytesIn: bytes && numberOf(bytes, 'bytes_in'),
      bytesOut: bytes && numberOf(bytes, 'bytes_out'),
      durations: parseHistogram(told),
      maxMicroseconds: numberOf(told, 'max_us'),
    })
  }
  return counts
}

function figures(
  name: string,
  now: CommandCounts,
  before: CommandCounts | undefined,
  seconds: number,
): CommandFigures {
  const rate = (value: number | undefined, earlier: number | undefined): number | null =>
    value === undefined ? null : Math.max(0, value - (earlier ?? 0)) / seconds
  const lately = now.durations && since(now.durations, before?.durations)
  const at = (share: number): number | null => (lately && quantile(lately, share)) ?? null
  return {
    name,
    perSecond: rate(now.count, before?.count) ?? 0,
    bytesInPerSecond: rate(now.bytesIn, before?.bytesIn),
    bytesOutPerSecond: rate(now.bytesOut, before?.bytesOut),
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: now.maxMicroseconds ?? null,
  }
}

/** Of all commands together, weighted by how many there were of each: some are measured more seldom than others. */
function percentilesOf(
  now: ReadonlyMap<string, CommandCounts>,
  before: ReadonlyMap<string, CommandCounts>,
): Percentiles | undefined {
  let all: Histogram | undefined
  for (const [name, { durations, count }] of now) {
    if (durations === undefined) continue
    const earlier = before.get(name)
    const lately = since(durations, earlier?.durations)
    const measured = countOf(lately)
    if (measured === 0) continue
    all = added(all, lately, Math.max(1, count - (earlier?.count ?? 0)) / measured)
  }
  if (all === undefined) return undefined
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => quantile(all, share) ?? 0)
  return { p50, p99, p999 }
}

function added(sum: Histogram | undefined, part: Histogram, weight: number): Histogram {
  const weighted = part.cumulative.map((count) => count * weight)
  if (sum === undefined || sum.bounds.length !== part.bounds.length) {
    return { ...part, cumulative: weighted }
  }
  return { ...sum, cumulative: sum.cumulative.map((count, i) => count + weighted[i]) }
}

function evictedByClass(items: Statistics): ReadonlyMap<string, number> {
  const classes = bySlabClass(items, 'items:')
  return new Map(Array.from(classes, ([id, told]) => [id, numberOf(told, 'evicted') ?? 0]))
}

function ageOfEvicted(items: Statistics, now: Moment, before: Moment): number | undefined {
  let most = 0
  let age: number | undefined
  for (const [id, evicted] of now.evicted) {
    const lately = evicted - (before.evicted.get(id) ?? 0)
    if (lately <= most) continue
    most = lately
    age = numberOf(items, `items:${id}:evicted_time`)
  }
  return age
}
