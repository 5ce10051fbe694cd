// What each plot of the page shows of the runs: which curves, on which axes. Knows nothing of how they are drawn.
import { formatCount, formatMicroseconds, significant } from '../report/format.ts'
import type { PageRun, PlotName } from '../report/page-data.ts'
import { typographic } from '../report/typographic.ts'
import {
  type Axis,
  greatest,
  least,
  linearDomain,
  logDomain,
  logTicks,
  percentileText,
  percentileTicks,
} from './axes.ts'
import type { Curve, LineChart, Point } from './line-chart.ts'

/** Undefined where there is nothing to draw. */
export type Chart = (runs: readonly PageRun[], shown: readonly boolean[]) => LineChart | undefined

/** As many as the style sheet has. */
const COLORS = 8
const TALL = 400
const WIDE = 260
const SMALL = 200
const LINEAR_TICKS = 5
const MEBIBYTE = 2 ** 20
/** In a tick, of a number of operations. */
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact' })

export const CHARTS: Readonly<Record<PlotName, Chart>> = {
  percentiles,
  p50: latencyOverTime('p50 latency over time', ({ p50 }) => p50),
  p99: latencyOverTime('p99 latency over time', ({ p99 }) => p99),
  p999: latencyOverTime('p99.9 latency over time', ({ p999 }) => p999),
  max: latencyOverTime('Maximum latency over time', ({ max }) => max),
  throughput: overTime({
    title: 'Operations per second over time',
    column: (series) => series.operationsPerSecond,
    height: WIDE,
    axis: (values) => ({
      scale: 'linear',
      domain: linearDomain(values),
      ticks: LINEAR_TICKS,
      tickText: (value) => COMPACT.format(value),
      text: (value) => `${formatCount(value)}/s`,
    }),
  }),
  hitRatio: overTime({
    title: 'Hit ratio over time',
    column: (series) => series.hitRatio,
    height: WIDE,
    axis: (values) => ({
      scale: 'linear',
      domain: [Math.floor(least(values) * 20) / 20, 1],
      ticks: LINEAR_TICKS,
      tickText: (value) => percentText(value, 1),
      text: (value) => percentText(value, 2),
    }),
  }),
  serverLoad: overTime({
    title: 'CPU of the server over time',
    column: (series) => series.serverLoad,
    height: SMALL,
    axis: cores,
  }),
  serverMemory: overTime({
    title: 'Resident memory of the server over time',
    column: (series) => series.serverResidentBytes.map((bytes) => bytes && bytes / MEBIBYTE),
    height: SMALL,
    axis: (values) => ({
      scale: 'linear',
      domain: linearDomain(values),
      ticks: LINEAR_TICKS,
      tickText: (value) => `${formatCount(value)} MiB`,
      text: (value) => `${significant(value)} MiB`,
    }),
  }),
  generatorLoad: overTime({
    title: 'CPU of the load generator over time',
    column: (series) => series.generatorLoad,
    height: SMALL,
    axis: cores,
  }),
}

function percentiles(runs: readonly PageRun[], shown: readonly boolean[]): LineChart | undefined {
  const several = runs.some(({ uncorrected }) => uncorrected !== undefined)
  const curve = (points: PageRun['percentiles']): Point[] =>
    points.map(({ percentile, microseconds }) => ({
      x: 1 / (1 - percentile / 100),
      // Of a histogram in nanoseconds; less than one has no place on a logarithmic scale.
      y: Math.max(microseconds, 1e-3),
    }))
  const curves = runs.flatMap((run, index): Curve[] => {
    if (!shown[index]) return []
    const { label, uncorrected } = run
    const color = colorOf(index)
    const due = several && uncorrected !== undefined ? `${label}, when due` : label
    return [
      ...(uncorrected
        ? [{ label: `${label}, when sent`, color, dashed: true, points: curve(uncorrected) }]
        : []),
      { label: due, color, dashed: false, points: curve(run.percentiles) },
    ]
  })
  const values = valuesOf(curves)
  if (values.length === 0) return undefined
  const furthest = greatest(curves.flatMap(({ points }) => points.map(({ x }) => x)))
  return {
    title: 'Latency by percentile',
    curves,
    height: TALL,
    x: {
      scale: 'log',
      domain: [1, Math.max(furthest, 10)],
      ticks: percentileTicks(furthest),
      tickText: percentileText,
      text: (inverse) => `${percentileText(inverse)} %`,
    },
    y: latencyAxis(values, TALL),
  }
}

interface OverTime {
  readonly title: string
  readonly column: (series: PageRun['series']) => readonly (number | null)[]
  readonly height: number
  readonly axis: (values: readonly number[], height: number) => Axis
}

function overTime({ title, column, height, axis }: OverTime): Chart {
  return (runs, shown) => {
    const curves = runs.flatMap(({ label, series }, index): Curve[] => {
      if (!shown[index]) return []
      const values = column(series)
      const points = series.at.flatMap((at, interval) =>
        // A warm-up is no part of what is shown.
        at < 0 ? [] : [{ x: at + series.seconds[interval]!, y: values[interval] ?? null }],
      )
      return [{ label, color: colorOf(index), dashed: false, points }]
    })
    const values = valuesOf(curves)
    if (values.length === 0) return undefined
    const end = greatest(curves.flatMap(({ points }) => points.map(({ x }) => x)))
    return { title, curves, height, x: timeAxis(end), y: axis(values, height) }
  }
}

function latencyOverTime(title: string, column: OverTime['column']): Chart {
  return overTime({ title, column, height: SMALL, axis: latencyAxis })
}

function timeAxis(end: number): Axis {
  const minutes = end >= 600
  return {
    scale: 'linear',
    domain: [0, end],
    ticks: LINEAR_TICKS,
    tickText: (seconds) => (minutes ? `${significantTick(seconds / 60)} min` : `${seconds} s`),
    text: (seconds) => `${seconds.toFixed(1)} s`,
  }
}

function latencyAxis(values: readonly number[], height: number): Axis {
  const domain = logDomain(values)
  return {
    scale: 'log',
    domain,
    ticks: logTicks(domain, height),
    tickText: (microseconds) => {
      if (microseconds >= 1e6) return `${significantTick(microseconds / 1e6)} s`
      if (microseconds >= 1e3) return `${significantTick(microseconds / 1e3)} ms`
      return `${significantTick(microseconds)} µs`
    },
    text: (microseconds) => typographic(formatMicroseconds(microseconds)),
  }
}

function cores(values: readonly number[]): Axis {
  return {
    scale: 'linear',
    domain: linearDomain(values),
    ticks: LINEAR_TICKS,
    tickText: (value) => percentText(value, 0),
    text: (value) => percentText(value, 1),
  }
}

function valuesOf(curves: readonly Curve[]): number[] {
  return curves.flatMap(({ points }) => points.flatMap(({ y }) => (y === null ? [] : [y])))
}

function colorOf(index: number): string {
  return `var(--run-${index % COLORS})`
}

/** Without zeros at the end: ticks are round. */
function percentText(share: number, digits: number): string {
  return `${Number((share * 100).toFixed(digits))} %`
}

function significantTick(value: number): string {
  return String(Number(value.toPrecision(3)))
}
