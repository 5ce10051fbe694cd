// Draws curves on two axes, with a tip at the place of the pointer, be it moved by a mouse or by keys.
// Observable Plot draws; this says what. Knows no runs.
import * as Plot from '@observablehq/plot'
import { type Axis, greatest, least } from './axes.ts'
import { pointByKeys } from './keyboard-pointer.ts'
import { colorTip, textAt, tip } from './tip.ts'

export interface LineChart {
  /** For those who don't see it. */
  readonly title: string
  readonly curves: readonly Curve[]
  readonly x: Axis
  readonly y: Axis
  /** In pixels. */
  readonly height: number
}

export interface Curve {
  readonly label: string
  readonly color: string
  readonly dashed: boolean
  /** By growing x. */
  readonly points: readonly Point[]
}

export interface Point {
  readonly x: number
  /** Null: the curve has a gap. */
  readonly y: number | null
}

interface Place extends Point {
  readonly y: number
}

const MARGINS = { marginTop: 12, marginRight: 24, marginBottom: 28, marginLeft: 64 }
/** So few are shown one by one: a curve of one has no length. */
const POINTS_WITH_MARKS = 30
const NARROWEST = 240
/** In pixels: the tip follows the pointer over the whole plot. */
const REACH = 4_000
/** In pixels, of the labels of ticks. */
const CHARACTER = 7
const GAP = 10

/** `announce` is told what the tip says when keys move the pointer. */
export function drawLineChart(
  chart: LineChart,
  availableWidth: number,
  announce: (text: string) => void,
): SVGSVGElement {
  const { curves, height, x, y } = chart
  const width = Math.max(NARROWEST, availableWidth)
  const points = curves.flatMap((curve) => curve.points)
  const svg = Plot.plot({
    ...MARGINS,
    width,
    height,
    style: { fontFamily: 'inherit', fontSize: '12px', overflow: 'visible' },
    ariaLabel: described(chart),
    x: { type: x.scale, domain: [...x.domain] },
    y: { type: y.scale, domain: [...y.domain], nice: y.scale === 'linear' },
    marks: [
      Plot.gridY({ ticks: ticksOf(y), stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY({ ticks: ticksOf(y), text: y.tickText, tickSize: 0, label: null }),
      Plot.axisX({ ticks: withRoom(x, width), text: x.tickText, tickSize: 4, label: null }),
      Plot.ruleX(points, Plot.pointerX({ x: 'x', stroke: 'var(--axis)', maxRadius: REACH })),
      ...curves.flatMap((curve) => [line(curve), pointed(curve)]),
      tip(chart, points, REACH),
    ],
  }) as SVGSVGElement & Plot.Plot
  svg.setAttribute('role', 'img')
  colorTip(svg, chart)
  const places = placesOf(chart)
  const onPlot = placeOn(svg)
  pointByKeys(svg, places.map(onPlot), (index) => announce(textAt(chart, places[index]!.x)))
  return svg
}

function ticksOf({ ticks }: Axis): number | number[] {
  return typeof ticks === 'number' ? ticks : [...ticks]
}

/** Those whose labels don't run into the one before. */
function withRoom(axis: Axis, width: number): number | number[] {
  const { ticks, domain, scale, tickText } = axis
  const room = width - MARGINS.marginLeft - MARGINS.marginRight
  if (typeof ticks === 'number') return Math.min(ticks, Math.max(2, Math.floor(room / 70)))
  const measure = scale === 'log' ? Math.log : (value: number) => value
  const [from, to] = [measure(domain[0]), measure(domain[1])]
  let end = Number.NEGATIVE_INFINITY
  return ticks.filter((tick) => {
    const center = ((measure(tick) - from) / (to - from)) * room
    const half = (tickText(tick).length * CHARACTER) / 2
    if (center - half < end + GAP) return false
    end = center + half
    return true
  })
}

function line({ points, color, dashed }: Curve): Plot.Markish {
  return Plot.lineY(points, {
    x: 'x',
    y: 'y',
    stroke: color,
    strokeWidth: 1.75,
    ...(dashed && { strokeDasharray: '5 4', strokeOpacity: 0.85 }),
    ...(points.length <= POINTS_WITH_MARKS && { marker: 'dot' }),
  })
}

/** The point of the curve below the pointer. */
function pointed({ points, color }: Curve): Plot.Markish {
  return Plot.dot(
    points,
    Plot.pointerX({
      x: 'x',
      y: 'y',
      fill: color,
      stroke: 'var(--surface)',
      strokeWidth: 1.5,
      r: 4.5,
      maxRadius: REACH,
    }),
  )
}

/** Where keys can go: the points of the curve that has most. */
function placesOf({ curves }: LineChart): Place[] {
  const places = curves.map(({ points }) =>
    points.filter((point): point is Place => point.y !== null),
  )
  return places.reduce((one, other) => (other.length > one.length ? other : one))
}

function placeOn(plot: Plot.Plot): (point: Place) => DOMPointInit {
  const [across, up] = [plot.scale('x')!, plot.scale('y')!]
  return ({ x, y }) => ({ x: across.apply(x) as number, y: up.apply(y) as number })
}

function described({ title, curves, y }: LineChart): string {
  const ranges = curves.flatMap(({ label, points }) => {
    const values = points.flatMap((point) => (point.y === null ? [] : [point.y]))
    return values.length === 0
      ? []
      : [`${label} ${y.text(least(values))} to ${y.text(greatest(values))}`]
  })
  return `${title}: ${ranges.join('; ')}. Arrow keys move from point to point.`
}
