// One chart over time: a figure, its curves, and the values below a cursor that all charts share. Observable Plot draws
// the curves; this says what. Knows no statistics.
import * as Plot from '@observablehq/plot'
import type { Sample } from '../page-data.ts'
import type { ChartDescription } from './chart-list.ts'
import type { Cursor } from './cursor.ts'
import { element, setText } from './dom.ts'
import { clock } from './format.ts'
import { type Series, series } from './history.ts'

const HEIGHT = 116
const MARGINS = { marginTop: 8, marginRight: 6, marginBottom: 20, marginLeft: 46 }
const NARROWEST = 160

interface Drawn {
  readonly times: readonly number[]
  readonly curves: readonly Series[]
  readonly svg: SVGSVGElement & Plot.Plot
}

export class TimeChart {
  readonly element: HTMLElement
  readonly #chart: ChartDescription
  readonly #cursor: Cursor
  readonly #figure = element('strong', { class: 'figure' })
  readonly #note = element('span', { class: 'note' })
  readonly #values: readonly HTMLElement[]
  readonly #place = element('div', { class: 'drawing' })
  readonly #rule = element('div', { class: 'rule', hidden: true })
  #drawn: Drawn | undefined
  #samples: readonly Sample[] = []

  constructor(chart: ChartDescription, cursor: Cursor) {
    this.#chart = chart
    this.#cursor = cursor
    this.#values = chart.curves.map(() => element('span', { class: 'value' }))
    const legend = element('ul', { class: 'legend' })
    // One curve is told by the figure.
    if (chart.curves.length > 1) {
      chart.curves.forEach(({ label, color }, i) => {
        const swatch = element('i', { class: `swatch series-${color}`, 'aria-hidden': 'true' })
        legend.append(element('li', {}, swatch, `${label} `, this.#values[i]))
      })
    }
    this.element = element(
      'figure',
      { class: 'chart', id: `chart-${chart.id}` },
      element(
        'figcaption',
        {},
        element('h3', {}, chart.title),
        element('p', {}, this.#figure, ' ', this.#note),
        legend,
      ),
      element(
        'div',
        { class: 'plot', tabindex: 0, role: 'img', 'aria-label': chart.title },
        this.#place,
        this.#rule,
      ),
    )
    this.#listen()
    cursor.onMove(() => this.#showValues())
  }

  draw(samples: readonly Sample[]): void {
    this.#samples = samples
    const curves = this.#chart.curves.map(({ measure }) => series(samples, measure))
    const times = curves[0]?.times ?? []
    const known = curves.some(({ values }) => values.some((value) => value !== null))
    this.element.classList.toggle('empty', !known)
    if (!known) {
      this.#drawn = undefined
      this.#place.replaceChildren(element('p', { class: 'nothing' }, this.#chart.empty))
    } else {
      const width = Math.max(NARROWEST, this.#place.clientWidth)
      const svg = plot(this.#chart, curves, width)
      this.#drawn = { times, curves, svg }
      this.#place.replaceChildren(svg)
    }
    this.#showValues()
  }

  /** What is told in words: by the cursor, or now. */
  describe(): string {
    const values = this.#chart.curves.map(
      ({ label }, i) => `${label} ${this.#values[i].textContent}`,
    )
    return `${this.#chart.title} ${this.#figure.textContent}: ${values.join(', ')}`
  }

  #showValues(): void {
    const { curves, figure, format, stacked, note } = this.#chart
    const times = this.#drawn?.times ?? []
    const at = this.#cursor.indexIn(times)
    const index = at ?? times.length - 1
    const values = curves.map((_, i) => this.#drawn?.curves[i].values[index] ?? null)
    for (const [i, value] of values.entries()) setText(this.#values[i], format(value))
    const sample = this.#samples[index + 1]
    const before = this.#samples[index]
    const large =
      figure !== undefined
        ? sample && before && figure(sample, before)
        : stacked
          ? values.reduce<number | null>(
              (sum, value) => (value === null ? sum : (sum ?? 0) + value),
              null,
            )
          : values[0]
    setText(this.#figure, format(large ?? null))
    const noted = sample === undefined ? '' : (note?.(sample) ?? '')
    setText(this.#note, at === undefined ? noted : `${noted} at ${clock(times[at])}`.trim())
    this.#placeRule(at === undefined ? undefined : times[at])
    this.element.querySelector('.plot')?.setAttribute('aria-label', this.describe())
  }

  #placeRule(time: number | undefined): void {
    const x = time === undefined ? undefined : this.#drawn?.svg.scale('x')?.apply(time)
    this.#rule.hidden = x === undefined
    if (x !== undefined) this.#rule.style.left = `${x}px`
  }

  #listen(): void {
    const plot = this.element.querySelector<HTMLElement>('.plot')
    plot?.addEventListener('pointermove', ({ clientX }) => {
      const scale = this.#drawn?.svg.scale('x')
      if (scale?.invert === undefined) return
      const { left } = this.#place.getBoundingClientRect()
      this.#cursor.moveTo(Number(scale.invert(clientX - left)))
    })
    plot?.addEventListener('pointerleave', () => this.#cursor.leave())
    plot?.addEventListener('blur', () => this.#cursor.leave())
    plot?.addEventListener('keydown', (event) => {
      const times = this.#drawn?.times ?? []
      if (!this.#cursor.moveByKey(event.key, times)) return
      event.preventDefault()
      this.#cursor.announce(`${clock(this.#cursor.time ?? Date.now())}: ${this.describe()}`)
    })
  }
}

function plot(
  chart: ChartDescription,
  curves: readonly Series[],
  width: number,
): SVGSVGElement & Plot.Plot {
  const { scale, stacked = false, format } = chart
  const times = curves[0].times
  const layers = stacked
    ? stack(curves)
    : curves.map(({ values }) => values.map((y) => [0, y] as const))
  const high = Math.max(0, ...layers.flat().map(([, top]) => top ?? 0))
  const y = yScale(
    chart.unit,
    scale,
    high,
    layers.flat().map(([, top]) => top),
  )
  const svg = Plot.plot({
    ...MARGINS,
    width,
    height: HEIGHT,
    style: { fontFamily: 'inherit', fontSize: '11px', overflow: 'visible' },
    x: { type: 'linear', domain: [times[0], times.at(-1) ?? times[0] + 1] },
    y,
    marks: [
      Plot.gridY({ ticks: y.ticks, stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY({
        ticks: y.ticks,
        tickFormat: (value: number) =>
          format(value)
            .replace(/\/s$/, '')
            .replace(/\.0(?= )/, ''),
        tickSize: 0,
        label: null,
      }),
      Plot.axisX({
        ticks: timeTicks(times, width),
        tickFormat: (at: number) => clock(at, at % MINUTE !== 0),
        tickSize: 3,
        label: null,
      }),
      ...chart.curves.flatMap(({ color }, i) =>
        marks(
          times,
          layers[i],
          `var(--series-${color})`,
          stacked || curves.length === 1,
          scale === 'log',
        ),
      ),
    ],
  }) as SVGSVGElement & Plot.Plot
  svg.setAttribute('aria-hidden', 'true')
  // What it says inline stands in the style sheet: the page forbids inline styles.
  svg.querySelector('style')?.remove()
  return svg
}

type Layer = readonly (readonly [bottom: number, top: number | null])[]

function stack(curves: readonly Series[]): Layer[] {
  const below = curves[0].times.map(() => 0)
  return curves.map(({ values }) =>
    values.map((value, i) => {
      const bottom = below[i]
      if (value !== null) below[i] += value
      return [bottom, value === null ? null : below[i]] as const
    }),
  )
}

function marks(
  times: readonly number[],
  layer: Layer,
  color: string,
  filled: boolean,
  log: boolean,
): Plot.Markish[] {
  const points = times.map((x, i) => ({ x, y1: layer[i][0], y2: layer[i][1] }))
  // Nothing to see of what never was.
  if (points.every(({ y1, y2 }) => y2 === null || y2 === y1)) {
    return filled ? [] : [Plot.lineY(points, { x: 'x', y: 'y2', stroke: color, strokeWidth: 1.5 })]
  }
  const line = Plot.lineY(points, { x: 'x', y: 'y2', stroke: color, strokeWidth: 1.5 })
  if (!filled || log) return [line]
  return [Plot.areaY(points, { x: 'x', y1: 'y1', y2: 'y2', fill: color, fillOpacity: 0.16 }), line]
}

interface YScale {
  readonly type: 'linear' | 'log'
  readonly domain: [number, number]
  readonly ticks: number[]
}

function yScale(
  unit: ChartDescription['unit'],
  scale: ChartDescription['scale'],
  high: number,
  tops: readonly (number | null)[],
): YScale {
  const known = tops.filter((top): top is number => top !== null)
  if (scale === 'log') {
    const positive = known.filter((top) => top > 0)
    const low = 10 ** Math.floor(Math.log10(Math.min(...positive, 1e6)))
    const above = 10 ** Math.ceil(Math.log10(Math.max(...positive, low * 10)))
    const decades = Math.round(Math.log10(above / low))
    const step = Math.ceil(decades / 3)
    const ticks = Array.from(
      { length: Math.floor(decades / step) + 1 },
      (_, i) => low * 10 ** (i * step),
    )
    return { type: 'log', domain: [low, above], ticks }
  }
  if (scale === 'share') {
    // From what is lowest, when all is high up.
    const low = Math.min(...known, 1) > 0.75 ? 0.5 : 0
    return { type: 'linear', domain: [low, 1], ticks: low === 0 ? [0, 0.5, 1] : [0.5, 0.75, 1] }
  }
  const step = unit === 'bytes' ? niceBytes(high) : niceStep(high / 3)
  const top = high === 0 ? 1 : high * 1.04
  const ticks = [0, 1, 2, 3].map((times) => times * step).filter((tick) => tick <= top)
  return { type: 'linear', domain: [0, top], ticks: high === 0 ? [0] : ticks }
}

/** 1, 2 or 5 of a decade, at least. */
function niceStep(least: number): number {
  if (least <= 0) return 1
  const decade = 10 ** Math.floor(Math.log10(least))
  return ([1, 2, 5, 10].find((step) => step * decade >= least) ?? 10) * decade
}

/** The same of a power of 1024, for three steps up to `high`. */
function niceBytes(high: number): number {
  const unit = 1024 ** Math.floor(Math.log(Math.max(1, high)) / Math.log(1024))
  return niceStep(high / 3 / unit) * unit
}

const MINUTE = 60_000
const TICK_STEPS = [0.25, 0.5, 1, 2, 5, 10, 15, 30, 60].map((minutes) => minutes * MINUTE)
/** In pixels, from one time to the next. */
const TICK_ROOM = 72

function timeTicks(times: readonly number[], width: number): number[] {
  const [from, to] = [times[0], times.at(-1) ?? times[0]]
  const room = Math.max(2, Math.floor(width / TICK_ROOM))
  const step = TICK_STEPS.find((candidate) => (to - from) / candidate <= room) ?? 60 * MINUTE
  const ticks: number[] = []
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at)
  return ticks
}
