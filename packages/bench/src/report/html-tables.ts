// The tables of an HTML report: the runs side by side, and what they did by kind of operation.
// Knows nothing of plots.
import { formatCount, formatMicroseconds, formatPercent } from './format.ts'
import { swatch } from './html-head.ts'
import { type Html, html } from './html-template.ts'
import type { OperationCount, ReportedRun } from './load-report.ts'
import { type SummaryCell, type SummaryRow, summaryRows } from './summary-rows.ts'
import { typographic } from './typographic.ts'

export function summaryTable(runs: readonly ReportedRun[]): Html {
  const rows = summaryRows(runs)
  const groups = [...new Set(rows.map(({ group }) => group))]
  const several = runs.length > 1
  return html`<section aria-labelledby="summary">
<h2 id="summary">Summary</h2>
<p class="muted">${several ? html`Bold with a dot: the best. Ratios are to ${runs[0]!.label}.` : 'Of the measured part.'}</p>
<div class="table" tabindex="0" role="region" aria-labelledby="summary">
<table>
${headOf(runs, true)}
${groups.map(
  (group) => html`<tbody>
<tr><th class="group" colspan="${runs.length + 1}" scope="rowgroup">${group}</th></tr>
${rows.filter((row) => row.group === group).map(summaryRow)}
</tbody>`,
)}
</table>
</div>
</section>`
}

/** Each kind of operation of each run: how many, and how long its requests took. */
export function operationsTable(runs: readonly ReportedRun[]): Html {
  const names = [...new Set(runs.flatMap(({ byOperation }) => byOperation.map(({ name }) => name)))]
  return html`<section aria-labelledby="operations">
<h2 id="operations">Operations</h2>
<p class="muted">By kind; latency is of the kind's requests.</p>
<div class="table" tabindex="0" role="region" aria-labelledby="operations">
<table>
${headOf(runs, false)}
${names.map(
  (name) => html`<tbody>
<tr><th class="group" colspan="${runs.length + 1}" scope="rowgroup">${name}</th></tr>
${OPERATION_ROWS.map(
  ([title, cell]) =>
    html`<tr><th scope="row">${title}</th>${runs.map((run) => countCell(run, name, cell))}</tr>`,
)}
</tbody>`,
)}
</table>
</div>
</section>`
}

type OperationCell = (count: OperationCount, run: ReportedRun) => string

const OPERATION_ROWS: readonly (readonly [title: string, cell: OperationCell])[] = [
  ['per second', ({ perSecond }) => formatCount(perSecond)],
  ['of all', ({ operations }, { summary }) => formatPercent(operations / summary.operations)],
  ['p50', ({ latency }) => formatMicroseconds(latency.p50)],
  ['p99', ({ latency }) => formatMicroseconds(latency.p99)],
  ['p99.9', ({ latency }) => formatMicroseconds(latency.p999)],
]

/** `related`: its columns have room for a relation to the first run. */
function headOf(runs: readonly ReportedRun[], related: boolean): Html {
  return html`<thead><tr><td></td>${runs.map(
    ({ label }, index) =>
      html`<th scope="col"${related && index > 0 ? html` class="related"` : undefined}><span>${swatch(index)}<b>${label}</b></span></th>`,
  )}</tr></thead>`
}

function summaryRow({ name, cells }: SummaryRow): Html {
  return html`<tr><th scope="row">${typographic(name)}</th>${cells.map(summaryCell)}</tr>`
}

function summaryCell({ text, relation, best }: SummaryCell, index: number): Html {
  const value = best
    ? html`<strong>${typographic(text)}</strong><span class="hidden"> (best)</span>`
    : html`${typographic(text)}`
  // The first has no room for a relation.
  const related = index === 0 ? undefined : html`<small>${typographic(relation)}</small>`
  return html`<td${best ? html` class="best"` : undefined}>${value}${related}</td>`
}

function countCell(run: ReportedRun, name: string, cell: OperationCell): Html {
  const count = run.byOperation.find((entry) => entry.name === name)
  return html`<td>${count ? typographic(cell(count, run)) : '-'}</td>`
}
