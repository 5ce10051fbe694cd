// The places of an HTML report where the page's script draws, each with its caption. Knows which plots there
// is something to draw for; page/ knows how.
import { swatch } from './html-head.ts'
import { type Html, html } from './html-template.ts'
import type { ReportedRun } from './load-report.ts'
import type { PlotName } from './page-data.ts'

type Column = readonly (number | null)[]

export function htmlPlots(runs: readonly ReportedRun[]): Html {
  const any = (column: (run: ReportedRun) => Column, is: (value: number) => boolean): boolean =>
    runs.some((run) => column(run).some((value) => value !== null && is(value)))
  const there = (): boolean => true
  const missed = any(
    ({ series }) => series.hitRatio,
    (ratio) => ratio < 1,
  )
  const serverKnown = any(({ series }) => series.serverLoad, there)
  const both = runs.some(({ uncorrected }) => uncorrected !== undefined)
  return html`<noscript><p class="light">The plots are drawn by the page's own script, which may not run here.</p></noscript>
${runs.length > 1 ? legend(runs) : undefined}
${section('Latency', [
  plot('percentiles', 'Latency by percentile', {
    note: html`Each nine of the percentile has the room of the one before. Both scales are logarithmic.`,
    ...(both && { key: waysToCount() }),
    wide: true,
  }),
  plot('p50', 'p50 over time'),
  plot('p99', 'p99 over time'),
  plot('p999', 'p99.9 over time'),
  plot('max', 'Maximum over time'),
])}
${section('Throughput', [
  plot('throughput', 'Operations per second over time', { wide: true }),
  ...(missed
    ? [
        plot('hitRatio', 'Hit ratio over time', {
          note: html`Of the keys asked for. The scale does not begin at zero.`,
          wide: true,
        }),
      ]
    : []),
])}
${section('CPU and memory', [
  ...(serverKnown
    ? [
        plot('serverLoad', 'Server CPU', { note: html`100 % is one core.` }),
        plot('serverMemory', 'Server memory', { note: html`Resident.` }),
      ]
    : []),
  plot('generatorLoad', 'Load generator CPU', {
    note: html`100 % is one core.`,
    wide: !serverKnown,
  }),
])}`
}

/** Which runs are drawn can be chosen; without a script there is nothing to choose. */
function legend(runs: readonly ReportedRun[]): Html {
  return html`<fieldset class="legend" hidden>
<legend class="hidden">Runs in the plots</legend>
${runs.map(
  ({ label }, index) =>
    html`<label><input type="checkbox" data-run="${index}" checked>${swatch(index)}${label}</label>`,
)}
</fieldset>`
}

function section(title: string, plots: Html[]): Html {
  const id = title.toLowerCase().replaceAll(' ', '-')
  return html`<section class="plots" aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
<div class="grid">
${plots}
</div>
</section>`
}

interface PlotText {
  readonly note?: Html
  /** What kinds of lines there are. */
  readonly key?: Html
  readonly wide?: boolean
}

function plot(name: PlotName, title: string, { note, key, wide = false }: PlotText = {}): Html {
  return html`<figure class="${wide ? 'wide' : 'narrow'}" aria-labelledby="plot-${name}">
<figcaption><h3 id="plot-${name}">${title}</h3>${paragraph(note)}${paragraph(key)}</figcaption>
<div class="drawing" data-plot="${name}"></div>
</figure>`
}

function paragraph(text: Html | undefined): Html | undefined {
  return text && html`<p class="muted">${text}</p>`
}

/** The two ways to count latency in an open loop. */
function waysToCount(): Html {
  return html`<span class="key"><i class="solid" aria-hidden="true"></i>solid: from when a request was due</span>
<span class="key"><i class="dashed" aria-hidden="true"></i>dashed: from when it was sent</span>`
}
