// A load while it runs, as a table that grows by a line an interval: on a terminal, or in the log of a job.
// Knows how it looks; nothing of how it is measured.
import type { Interval } from '../measure/interval.ts'
import { GET } from '../workload/operation.ts'
import { formatCount, formatMicroseconds, formatPercent } from './format.ts'
import { hitRatioOf, perSecond, total } from './load-series.ts'

export interface LiveTableOptions {
  /** Only there are colours, unless the environment has NO_COLOR (no-color.org). */
  readonly isTerminal: boolean
  /** The width there is; what tells least is left out of a narrow table. 0: it is not known. */
  readonly columns: number
}

/** What goes before the measured part. */
export type Phase = 'fill' | 'ramp' | 'warm-up'

interface Column {
  readonly title: string
  /** With the space before it. */
  readonly width: number
  /** The highest is left out first where there is no room. */
  readonly leftOut: number
  readonly text: (interval: Interval, phase: Phase | undefined) => string
}

const HEADER_EVERY = 20
const NOTHING = '-'
/** Sequences of ECMA-48 (SGR): set rendition, and back. */
const BOLD = ['\u001b[1m', '\u001b[22m'] as const
const DIM = ['\u001b[2m', '\u001b[22m'] as const
const RED = ['\u001b[31m', '\u001b[39m'] as const

const COLUMNS: readonly Column[] = [
  { title: 'time', width: 8, leftOut: 0, text: (interval, phase) => phase ?? endOf(interval) },
  {
    title: 'ops/s',
    width: 11,
    leftOut: 0,
    text: ({ counts, seconds }) => formatCount(perSecond(total(counts.operations), seconds)),
  },
  { title: 'hit %', width: 7, leftOut: 2, text: hitPercent },
  { title: 'p50', width: 8, leftOut: 0, text: percentile(50) },
  { title: 'p99', width: 8, leftOut: 0, text: percentile(99) },
  { title: 'p99.9', width: 8, leftOut: 1, text: percentile(99.9) },
  {
    title: 'max',
    width: 8,
    leftOut: 3,
    text: ({ latency }) =>
      latency.totalCount === 0 ? NOTHING : formatMicroseconds(latency.maxValue / 1e3),
  },
  {
    title: 'server',
    width: 8,
    leftOut: 4,
    text: ({ server }) => (server ? formatPercent(server.load) : NOTHING),
  },
  { title: 'load', width: 7, leftOut: 5, text: ({ generator }) => formatPercent(generator.load) },
  { title: 'errors', width: 7, leftOut: 0, text: ({ counts }) => formatCount(counts.errors) },
]

export class LiveTable {
  readonly #out: (text: string) => void
  readonly #columns: readonly Column[]
  readonly #colored: boolean
  #lines = 0

  constructor(out: (text: string) => void, { isTerminal, columns }: LiveTableOptions) {
    this.#out = out
    this.#columns = columnsWithin(columns)
    this.#colored = isTerminal && !process.env.NO_COLOR
  }

  /** What is not yet measured is dimmed; below second 0 that is a warm-up, unless it is said otherwise. */
  interval(
    interval: Interval,
    phase: Phase | undefined = interval.at < 0 ? 'warm-up' : undefined,
  ): void {
    if (this.#lines % HEADER_EVERY === 0) this.#header()
    this.#lines++
    const cells = this.#columns.map(({ text, width }) => text(interval, phase).padStart(width))
    const line = cells.join('')
    const rendition = interval.counts.errors > 0 ? RED : phase ? DIM : undefined
    this.#out(`${rendition ? this.#rendered(line, rendition) : line}\n`)
  }

  /** The load is over: the next one has a table of its own. */
  done(): void {
    if (this.#lines > 0) this.#out('\n')
    this.#lines = 0
  }

  #header(): void {
    const line = this.#columns.map(({ title, width }) => title.padStart(width)).join('')
    this.#out(`${this.#rendered(line, BOLD)}\n`)
  }

  #rendered(text: string, [set, back]: readonly [string, string]): string {
    return this.#colored ? `${set}${text}${back}` : text
  }
}

function columnsWithin(width: number): readonly Column[] {
  let columns = COLUMNS
  while (width > 0 && columns.reduce((sum, column) => sum + column.width, 0) > width) {
    const last = Math.max(...columns.map((column) => column.leftOut))
    if (last === 0) break
    columns = columns.filter((column) => column.leftOut !== last)
  }
  return columns
}

function endOf({ at, seconds }: Interval): string {
  return `${(at + seconds).toFixed(seconds < 0.95 ? 1 : 0)} s`
}

function hitPercent({ counts }: Interval): string {
  const ratio = hitRatioOf(counts.operations[GET] ?? 0, counts.misses)
  return ratio === null ? NOTHING : (ratio * 100).toFixed(2)
}

function percentile(of: number): Column['text'] {
  return ({ latency }) =>
    latency.totalCount === 0 ? NOTHING : formatMicroseconds(latency.getValueAtPercentile(of) / 1e3)
}
