// What a plot says of the place below its pointer: all curves, each with its colour. Observable Plot draws the
// tip and moves it; this says what is in it. Knows no runs.
import * as Plot from '@observablehq/plot'
import type { Curve, LineChart, Point } from './line-chart.ts'

const SVG = 'http://www.w3.org/2000/svg'
const SQUARE = '■ '

/** `reach` is in pixels: how far from a point the pointer may be. */
export function tip(chart: LineChart, points: readonly Point[], reach: number): Plot.Markish {
  return Plot.tip(
    points,
    Plot.pointerX({
      x: 'x',
      y: 'y',
      // The text is made when it is seen, not for thousands of points.
      title: (point: Point) => point,
      format: { title: (point: Point) => textAt(chart, point.x) },
      lineHeight: 1.4,
      lineWidth: 40,
      textPadding: 10,
      stroke: 'var(--axis)',
      pathFilter: 'none',
      maxRadius: reach,
    }),
  )
}

/** Plot's text has one colour: this puts a square in that of its curve before each line. */
export function colorTip(svg: SVGSVGElement & Plot.Plot, chart: LineChart): void {
  svg.addEventListener('input', () => {
    const point = svg.value as Point | null
    const lines = svg.querySelectorAll('[aria-label="tip"] text > tspan')
    if (point === null || lines.length === 0) return
    for (const [index, { curve }] of curvesAt(chart, point.x).entries()) {
      // The first line tells the place.
      const line = lines[index + 1]
      if (line === undefined || line.querySelector('tspan') !== null) continue
      const square = document.createElementNS(SVG, 'tspan')
      square.setAttribute('fill', curve.color)
      square.textContent = SQUARE
      line.prepend(square)
    }
  })
}

/** The place, and what each curve is at it. */
export function textAt(chart: LineChart, x: number): string {
  const lines = curvesAt(chart, x).map(({ curve, y }) => `${chart.y.text(y)}  ${curve.label}`)
  return [chart.x.text(x), ...lines].join('\n')
}

function curvesAt({ curves }: LineChart, x: number): { curve: Curve; y: number }[] {
  return curves.flatMap((curve) => {
    const y = nearest(curve.points, x)?.y ?? null
    return y === null ? [] : [{ curve, y }]
  })
}

/** By bisection. Undefined beyond the end of the curve. */
function nearest(points: readonly Point[], x: number): Point | undefined {
  const last = points.at(-1)
  if (last === undefined || x > last.x * 1.001) return undefined
  let low = 0
  let high = points.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (points[middle]!.x < x) low = middle + 1
    else high = middle
  }
  const [before, after] = [points[low - 1], points[low]!]
  return before && x - before.x < after.x - x ? before : after
}
