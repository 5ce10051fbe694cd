// The ratios of a cost report as a picture: a bar for each, a whisker from the lowest round to the highest,
// a tick where the target is. Observable Plot draws; this says what. The colours are read on a light
// page and on a dark one.
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { CostReport } from '../cost/cost.ts'

type PlotDocument = ReturnType<typeof parseHTML>['document']
type PlotElement = ReturnType<PlotDocument['createElementNS']>

interface Bar {
  readonly title: string
  readonly label: string
  readonly ratio: number
  readonly low: number
  readonly high: number
  readonly target: number | undefined
  readonly text: string
}

const WIDTH = 860
const BAR_HEIGHT = 20
const MARGIN_LEFT = 230
const LEGEND_STEP = 145
const MARGIN_TOP = 60
const MARGIN_BOTTOM = 40
/** What lies beyond is cut off: a whisker may be far longer than any bar. */
const RATIO_MAX = 1.75
const BAR_COLORS = ['#3b82c4', '#d08a2e', '#4a9a5b']
const TARGET_COLOR = '#d1495b'
const TARGET_PLACE = { x: 'target', y: 'label', fy: 'title' }
const LIGHT_TEXT = '#24292f'
const DARK_TEXT = '#d0d7de'

/** An SVG document. */
export function plotRatios(report: CostReport): string {
  const bars = report.rows.flatMap((row) =>
    row.entries
      // A server against itself is another question than who is cheaper.
      .filter((entry) => row.name !== 'threads' || entry.target !== undefined)
      .map(
        ({ label, ratio, target }): Bar => ({
          title: shortTitle(row.title),
          label: row.name === 'threads' ? label.replace(/ -t \d+$/, '') : label,
          ratio: ratio.median,
          low: ratio.low,
          high: Math.min(ratio.high, RATIO_MAX),
          target,
          text: ratio.median.toFixed(2),
        }),
      ),
  )
  const aimed = bars.filter((bar) => bar.target !== undefined)
  const titles = [...new Set(bars.map((bar) => bar.title))]
  const labels = [...new Set(bars.map((bar) => bar.label))]
  const colors = BAR_COLORS.slice(0, labels.length)
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const baseline = report.setting.servers[0]?.label ?? ''
  const svg = Plot.plot({
    document: document,
    width: WIDTH,
    height: MARGIN_TOP + MARGIN_BOTTOM + titles.length * (labels.length * BAR_HEIGHT + 8),
    marginLeft: MARGIN_LEFT,
    marginTop: MARGIN_TOP,
    marginBottom: MARGIN_BOTTOM,
    marginRight: 30,
    style: { background: 'none', fontSize: '13px', fontFamily: 'system-ui, sans-serif' },
    x: {
      domain: [0, RATIO_MAX],
      ticks: [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75],
      tickFormat: '.2f',
      label: `cost against ${baseline} (below 1 is better)`,
      labelAnchor: 'center',
      grid: true,
    },
    y: { domain: labels, axis: null, padding: 0.15 },
    fy: { domain: titles, label: null, padding: 0.12 },
    color: { domain: labels, range: colors },
    marks: [
      Plot.axisFy({ anchor: 'left', fontSize: 13, dx: -4, label: null }),
      Plot.barX(bars, { x: 'ratio', y: 'label', fy: 'title', fill: 'label' }),
      Plot.ruleX([1], { stroke: 'currentColor', strokeWidth: 1.5 }),
      Plot.ruleY(bars, { x1: 'low', x2: 'high', y: 'label', fy: 'title', stroke: 'currentColor' }),
      // Around it, what tells it from any bar's colour.
      Plot.tickX(aimed, { ...TARGET_PLACE, stroke: 'white', strokeWidth: 6 }),
      Plot.tickX(aimed, { ...TARGET_PLACE, stroke: TARGET_COLOR, strokeWidth: 3 }),
      Plot.text(bars, {
        x: 0,
        y: 'label',
        fy: 'title',
        text: 'text',
        textAnchor: 'start',
        dx: 5,
        fill: 'white',
        fontWeight: 600,
      }),
    ],
  })
  const title = document.createElementNS('http://www.w3.org/2000/svg', 'title')
  title.textContent = `Cost of a request against ${baseline}`
  svg.prepend(title)
  svg.append(...legend(document, labels, colors))
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  return `${svg.outerHTML}\n`
}

/** A title gives its number of requests in the table; in the picture there is less room. */
function shortTitle(title: string): string {
  return title.replace(/ at [\d,]+ get\/s$/, ' at half load')
}

/** What the colours mean, above the bars; and the text's colour on a light page and on a dark one. */
function legend(
  document: PlotDocument,
  labels: readonly string[],
  colors: readonly string[],
): PlotElement[] {
  const element = (name: string, attributes: Record<string, string>, text = ''): PlotElement => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name)
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
    made.textContent = text
    return made
  }
  const y = 22
  const at = (place: number): string => `${MARGIN_LEFT + place * LEGEND_STEP}`
  const text = (place: number, words: string): PlotElement =>
    element('text', { x: at(place), dx: '22', y: `${y}`, 'text-anchor': 'start' }, words)
  const box = (place: number, width: number, height: number, fill: string): PlotElement =>
    element('rect', {
      x: at(place),
      y: `${y - 4 - height / 2}`,
      width: `${width}`,
      height: `${height}`,
      fill,
    })
  const place = labels.length
  const style = element(
    'style',
    {},
    `svg { color: ${LIGHT_TEXT} } @media (prefers-color-scheme: dark) { svg { color: ${DARK_TEXT} } }`,
  )
  return [
    style,
    ...labels.flatMap((label, index) => [box(index, 14, 14, colors[index]!), text(index, label)]),
    box(place, 3, 16, TARGET_COLOR),
    text(place, 'target'),
    box(place + 1, 16, 1, 'currentColor'),
    text(place + 1, 'lowest to highest round'),
  ]
}
