// Draws the last minute: reads by second, and how long calls take. Knows seconds as the server counts them.
import type { SecondOfTraffic } from '../traffic-watch.ts'
import { svgElement } from './dom.ts'

const WIDTH = 360
const LEFT = 34
const TOP = 6
const BOTTOM = 68
const LABELS_Y = 81
const LEAST_MS = 0.1
const SECOND_MS = 1000

export function showReads(svg: SVGSVGElement, seconds: readonly SecondOfTraffic[]): void {
  const most = niceCeiling(Math.max(4, ...seconds.map(({ hits, misses }) => hits + misses)))
  const y = (count: number): number => BOTTOM - (count / most) * (BOTTOM - TOP)
  const step = (WIDTH - LEFT) / seconds.length
  const bars = seconds.flatMap(({ hits, misses }, i) => [
    bar('hits', LEFT + i * step, y(hits), BOTTOM, step),
    bar('misses', LEFT + i * step, y(hits + misses), y(hits), step),
  ])
  const drawn = bars.filter((one) => one !== undefined)
  svg.replaceChildren(...frame([0, most / 2, most], y, String), ...drawn)
}

export function showLatency(svg: SVGSVGElement, seconds: readonly SecondOfTraffic[]): void {
  const p99s = seconds.map(({ p99 }) => p99 ?? 0)
  const most = Math.max(10, 10 ** Math.ceil(Math.log10(Math.max(...p99s, LEAST_MS))))
  const decades = Math.log10(most / LEAST_MS)
  // By the logarithm: a miss that waits for the origin is seen beside hits.
  const y = (ms: number): number =>
    BOTTOM - (Math.log10(Math.max(ms, LEAST_MS) / LEAST_MS) / decades) * (BOTTOM - TOP)
  const ticks = Array.from({ length: Math.round(decades) + 1 }, (_, i) => LEAST_MS * 10 ** i)
  const step = (WIDTH - LEFT) / seconds.length
  const line = (className: string, of: 'median' | 'p99'): SVGPathElement => {
    let pen = 'M'
    let d = ''
    seconds.forEach((second, i) => {
      const ms = second[of]
      if (ms === undefined) {
        pen = 'M'
        return
      }
      const x = LEFT + (i + 0.5) * step
      // One that stands alone is a dot: a line to itself, with round ends.
      d += `${pen}${x.toFixed(1)} ${y(ms).toFixed(1)}${pen === 'M' ? 'h0' : ''}`
      pen = 'L'
    })
    return svgElement('path', { class: className, d })
  }
  const text = (ms: number): string =>
    ms < SECOND_MS ? `${Number(ms.toPrecision(1))}` : `${ms / SECOND_MS} s`
  svg.replaceChildren(...frame(ticks, y, text), line('p99', 'p99'), line('median', 'median'))
}

function bar(
  className: string,
  x: number,
  top: number,
  bottom: number,
  step: number,
): SVGRectElement | undefined {
  if (bottom - top <= 0) return undefined
  return svgElement('rect', {
    class: className,
    x: (x + 0.5).toFixed(1),
    y: top.toFixed(1),
    width: (step - 1).toFixed(1),
    height: (bottom - top).toFixed(1),
  })
}

function frame(
  ticks: readonly number[],
  y: (value: number) => number,
  text: (value: number) => string,
): SVGElement[] {
  const lines = ticks.flatMap((tick) => [
    svgElement('path', { class: 'grid', d: `M${LEFT} ${y(tick).toFixed(1)}H${WIDTH}` }),
    svgElement('text', { class: 'tick', x: LEFT - 6, y: (y(tick) + 3.5).toFixed(1) }, text(tick)),
  ])
  return [
    ...lines,
    svgElement('text', { class: 'from', x: LEFT, y: LABELS_Y }, 'a minute ago'),
    svgElement('text', { class: 'to', x: WIDTH, y: LABELS_Y }, 'now'),
  ]
}

/** 2, 4, 10, 20, 40, 100, ... */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 10].map((step) => step * power).find((step) => step >= value) ?? value
}
