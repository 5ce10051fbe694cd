// The ratios of a cost report as a picture: a bar for each, a whisker from the lowest round to the highest,
// a tick where the target is. Observable Plot draws; this says what. The colours are read on a light
// page and on a dark one.
import * as Plot from '@observablehq/plot'
import type { CostReport } from '../cost/cost.ts'
import { type LegendEntry, plotDocument, SQUARE, standalone } from './plot-document.ts'

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
  const document = plotDocument()
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
  const legend: LegendEntry[] = [
    ...labels.map((label, index) => ({ text: label, color: colors[index]!, mark: SQUARE })),
    { text: 'target', color: TARGET_COLOR, mark: { width: 3, height: 16 } },
    { text: 'lowest to highest round', color: 'currentColor', mark: { width: 16, height: 1 } },
  ]
  return standalone(svg, document, {
    title: `Cost of a request against ${baseline}`,
    legend,
    left: MARGIN_LEFT,
    step: LEGEND_STEP,
  })
}

/** A title gives its number of requests in the table; in the picture there is less room. */
function shortTitle(title: string): string {
  return title.replace(/ at [\d,]+ get\/s$/, ' at half load')
}
