// The clients side by side as a picture: for every workload a bar for each client, its CPU time per key as a
// multiple of ours, with what was measured at the right; a tick where the best of the others has to be.
// Observable Plot draws; this says what.
import * as Plot from '@observablehq/plot'
import type { ClientsReport } from '../clients/measure-clients.ts'
import { formatCount, significant } from './format.ts'
import { type LegendEntry, plotDocument, SQUARE, standalone } from './plot-document.ts'

interface Bar {
  readonly workload: string
  readonly client: string
  /** CPU time per key, as a multiple of ours. */
  readonly times: number
  readonly text: string
}

const WIDTH = 1000
const BAR_HEIGHT = 17
const MARGIN_LEFT = 265
const MARGIN_TOP = 60
const MARGIN_BOTTOM = 40
/** For the numbers. */
const MARGIN_RIGHT = 185
const LEGEND_LEFT = 10
const LEGEND_STEP = 148
const COLORS = ['#3b82c4', '#d08a2e', '#4a9a5b', '#b65ba0', '#5aa7a7', '#8a8f98']
const TARGET_COLOR = '#d1495b'

/** An SVG document. */
export function plotClients(report: ClientsReport): string {
  const clients = report.clients.map(({ name }) => name)
  const titles = report.rows.map(({ workload }) => workload.title)
  const colors = COLORS.slice(0, clients.length)
  const bars = report.rows.flatMap(({ workload, entries }) =>
    entries.map(
      ({ client, easier, cpu, operationsPerSecond, timesOurs }): Bar => ({
        workload: workload.title,
        client,
        times: timesOurs?.cpu.median ?? 1,
        text: `${significant(cpu.median)} us, ${formatCount(operationsPerSecond.median / 1e3)}k/s${easier === '' ? '' : ` (${easier})`}`,
      }),
    ),
  )
  const targets = report.rows.map(({ workload: { title, target } }) => ({
    workload: title,
    target,
  }))
  const document = plotDocument()
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: MARGIN_TOP + MARGIN_BOTTOM + titles.length * (clients.length * BAR_HEIGHT + 14),
    marginLeft: MARGIN_LEFT,
    marginTop: MARGIN_TOP,
    marginBottom: MARGIN_BOTTOM,
    marginRight: MARGIN_RIGHT,
    style: { background: 'none', fontSize: '13px', fontFamily: 'system-ui, sans-serif' },
    x: {
      domain: [0, Math.max(2, ...bars.map(({ times }) => times))],
      label: "client CPU time per key, as a multiple of memshard's",
      labelAnchor: 'center',
      grid: true,
    },
    y: { domain: clients, axis: null, padding: 0.12 },
    fy: { domain: titles, label: null, padding: 0.12 },
    color: { domain: clients, range: colors },
    marks: [
      Plot.axisFy({ anchor: 'left', fontSize: 13, dx: -4, label: null }),
      Plot.barX(bars, { x: 'times', y: 'client', fy: 'workload', fill: 'client' }),
      Plot.ruleX(targets, { x: 'target', fy: 'workload', stroke: TARGET_COLOR, strokeWidth: 2 }),
      Plot.text(bars, {
        y: 'client',
        fy: 'workload',
        text: 'text',
        frameAnchor: 'right',
        textAnchor: 'start',
        dx: 10,
        fontSize: 11,
        fill: 'currentColor',
      }),
    ],
  })
  const legend: LegendEntry[] = [
    ...clients.map((text, index) => ({ text, color: colors[index]!, mark: SQUARE })),
    { text: 'target', color: TARGET_COLOR, mark: { width: 2, height: 16 } },
  ]
  return standalone(svg, document, {
    title: 'Client CPU time per key, as a multiple of that of @memshard/client',
    legend,
    left: LEGEND_LEFT,
    step: LEGEND_STEP,
  })
}
