// Which charts there are and what each shows: its figure, its curves and how they are told. Knows no drawing.
import type { Sample } from '../page-data.ts'
import { bytes, count, duration, microseconds, percent } from './format.ts'
import { type Measure, rate, share, standing } from './history.ts'

export interface Curve {
  readonly label: string
  /** Of the palette. */
  readonly color: number
  readonly measure: Measure
}

export interface ChartDescription {
  readonly id: string
  readonly title: string
  readonly curves: readonly Curve[]
  /** One on top of the other, as parts of one whole. */
  readonly stacked?: boolean
  readonly scale?: 'log' | 'share'
  /** Its ticks are then at round numbers of KiB or MiB. */
  readonly unit?: 'bytes'
  readonly format: (value: number | null) => string
  /** What the large figure is; default: the first curve, or the sum of those stacked. */
  readonly figure?: Measure
  /** Beside the figure, in small. */
  readonly note?: (now: Sample) => string
  /** What is said while there is nothing to show. */
  readonly empty: string
}

const GETS = ['get_hits', 'get_misses'] as const

const perSecond = (value: number | null): string => `${count(value)}/s`
const bytesPerSecond = (value: number | null): string => `${bytes(value)}/s`

export const CHARTS: readonly ChartDescription[] = [
  {
    id: 'requests',
    title: 'Requests',
    stacked: true,
    curves: [
      { label: 'get', color: 0, measure: rate(...GETS) },
      { label: 'set', color: 1, measure: rate('cmd_set') },
      { label: 'delete', color: 3, measure: rate('delete_hits', 'delete_misses') },
      {
        label: 'incr, decr',
        color: 4,
        measure: rate('incr_hits', 'incr_misses', 'decr_hits', 'decr_misses'),
      },
      { label: 'touch', color: 5, measure: rate('cmd_touch') },
    ],
    format: perSecond,
    empty: 'no requests yet',
  },
  {
    id: 'hit-ratio',
    title: 'Hit ratio',
    scale: 'share',
    curves: [{ label: 'found', color: 2, measure: share(['get_hits'], GETS) }],
    format: percent,
    empty: 'nothing was asked for',
  },
  {
    id: 'latency',
    title: 'Latency in the server',
    scale: 'log',
    curves: [
      { label: 'p99.9', color: 3, measure: ({ latency }) => latency?.p999 ?? null },
      { label: 'p99', color: 1, measure: ({ latency }) => latency?.p99 ?? null },
      { label: 'p50', color: 0, measure: ({ latency }) => latency?.p50 ?? null },
    ],
    figure: ({ latency }) => latency?.p99 ?? null,
    format: microseconds,
    note: () => 'p99',
    empty: 'nothing was measured',
  },
  {
    id: 'evictions',
    title: 'Evictions',
    curves: [
      { label: 'evicted', color: 1, measure: rate('evictions') },
      { label: 'never fetched', color: 7, measure: rate('evicted_unfetched') },
    ],
    format: perSecond,
    empty: 'nothing was evicted',
  },
  {
    id: 'evicted-age',
    title: 'Age at eviction',
    curves: [{ label: 'idle', color: 4, measure: ({ evictedAge }) => evictedAge ?? null }],
    format: duration,
    note: () => 'since last asked for',
    empty: 'nothing was evicted',
  },
  {
    id: 'items',
    title: 'Items',
    curves: [{ label: 'items', color: 6, measure: standing('curr_items') }],
    format: count,
    empty: 'no items',
  },
  {
    id: 'traffic',
    title: 'Traffic',
    curves: [
      { label: 'out', color: 0, measure: rate('bytes_written') },
      { label: 'in', color: 1, measure: rate('bytes_read') },
    ],
    figure: rate('bytes_read', 'bytes_written'),
    format: bytesPerSecond,
    unit: 'bytes',
    empty: 'no traffic yet',
  },
  {
    id: 'connections',
    title: 'Connections',
    curves: [{ label: 'open', color: 2, measure: standing('curr_connections') }],
    format: count,
    empty: 'no connections',
  },
  {
    id: 'cpu',
    title: 'CPU',
    stacked: true,
    curves: [
      { label: 'user', color: 0, measure: rate('rusage_user') },
      { label: 'system', color: 6, measure: rate('rusage_system') },
    ],
    format: percent,
    note: () => 'of a core',
    empty: 'nothing was measured',
  },
]
