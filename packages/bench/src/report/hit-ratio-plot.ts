// Hit ratios as a picture: where several memories were measured the miss ratio over memory, else the hit ratio
// as the stream goes on; a small plot for each stream, a line for each server. Observable Plot draws; this
// says what.
import * as Plot from '@observablehq/plot'
import type { HitRatioReport, MeasuredStream } from '../hitratio/hit-ratio.ts'
import { plotDocument, standalone } from './plot-document.ts'

interface Point {
  readonly stream: string
  readonly server: string
  readonly x: number
  /** In percent. */
  readonly y: number
}

const WIDTH = 860
const PLOT_HEIGHT = 170
const MARGIN_TOP = 60
const MARGIN_LEFT = 60
const COLORS = ['#8a8f98', '#3b82c4', '#d08a2e', '#4a9a5b', '#b65ba0']
const COLUMNS = 3

/** An SVG document. */
export function plotHitRatios(report: HitRatioReport): string {
  const sweep = new Set(report.streams.map(({ memoryMegabytes }) => memoryMegabytes)).size > 1
  const points = report.streams.flatMap((stream) =>
    sweep ? missRatioPoints(stream) : hitRatioPoints(stream),
  )
  const streams = [...new Set(points.map(({ stream }) => stream))]
  const labels = report.servers.map(({ label }) => label)
  const colors = COLORS.slice(0, labels.length)
  const column = ({ stream }: { readonly stream: string }): number =>
    streams.indexOf(stream) % COLUMNS
  const row = ({ stream }: { readonly stream: string }): number =>
    Math.floor(streams.indexOf(stream) / COLUMNS)
  const rows = Math.ceil(streams.length / COLUMNS)
  const document = plotDocument()
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: MARGIN_TOP + 40 + rows * PLOT_HEIGHT,
    marginTop: MARGIN_TOP,
    marginLeft: MARGIN_LEFT,
    marginBottom: 44,
    style: { background: 'none', fontSize: '12px', fontFamily: 'system-ui, sans-serif' },
    x: sweep
      ? {
          type: 'log',
          label: 'memory, MB (-m)',
          labelAnchor: 'center',
          ticks: memories(report),
          tickFormat: 'd',
        }
      : { label: 'part of the stream', labelAnchor: 'center', percent: true, ticks: 3 },
    y: {
      grid: true,
      label: null,
      nice: true,
      ticks: 4,
    },
    fx: { axis: null, padding: 0.1 },
    fy: { axis: null, padding: 0.22 },
    color: { domain: labels, range: colors },
    marks: [
      Plot.frame({ stroke: 'currentColor', strokeOpacity: 0.25 }),
      Plot.line(points, {
        x: 'x',
        y: 'y',
        fx: column,
        fy: row,
        stroke: 'server',
        strokeWidth: 1.8,
      }),
      sweep
        ? Plot.dot(points, { x: 'x', y: 'y', fx: column, fy: row, fill: 'server', r: 2.5 })
        : null,
      Plot.text(
        streams.map((stream) => ({ stream, title: `${stream}: ${sweep ? 'misses' : 'hits'}, %` })),
        { text: 'title', fx: column, fy: row, frameAnchor: 'top-left', dy: -16, fontWeight: 600 },
      ),
    ],
  })
  return standalone(svg, document, {
    title: sweep ? 'Miss ratio over memory' : 'Hit ratio over the stream',
    legend: labels.map((text, index) => ({
      text,
      color: colors[index]!,
      mark: { width: 16, height: 3 },
    })),
    left: MARGIN_LEFT,
    step: 160,
  })
}

function memories({ streams }: HitRatioReport): number[] {
  return [...new Set(streams.map(({ memoryMegabytes }) => memoryMegabytes))]
}

function missRatioPoints({ popularity, memoryMegabytes, servers }: MeasuredStream): Point[] {
  return servers.map(({ label, steadyHitRatio }) => {
    return { stream: popularity, server: label, x: memoryMegabytes, y: (1 - steadyHitRatio) * 100 }
  })
}

function hitRatioPoints({ popularity, servers }: MeasuredStream): Point[] {
  return servers.flatMap(({ label, parts }) =>
    parts.map((ratio, index) => {
      const x = (index + 1) / parts.length
      return { stream: popularity, server: label, x, y: ratio * 100 }
    }),
  )
}
