// A load report as one HTML file that needs nothing else: tables are in it as HTML, plots are drawn by the
// script that it carries (page/). Puts the file together; its parts are in html-head.ts, html-tables.ts and
// html-plots.ts. Knows nothing of how it was measured.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { withDistinctLabels } from './distinct-labels.ts'
import { htmlHead } from './html-head.ts'
import { htmlPlots } from './html-plots.ts'
import { operationsTable, summaryTable } from './html-tables.ts'
import { embeddedJson, type Html, html, trusted } from './html-template.ts'
import type { LoadReport, ReportedRun } from './load-report.ts'
import { DATA_ID, type PageData } from './page-data.ts'

/** Tells 99.9999 % from 99.9998 %; all that a number has would double the file. */
const DIGITS = 9

/** The runs of all reports side by side, in their order; the first run is what others relate to. */
export function htmlReport(reports: readonly LoadReport[]): string {
  const told = withDistinctLabels(reports)
  const runs = told.flatMap((report) => report.runs)
  const script = scriptOf(builtFile('page.js'))
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${titleOf(runs)} - memshard-bench</title>
<link rel="icon" href="data:,">
<style>${trusted(builtFile('page.css'))}</style>
</head>
<body>
<main>
${htmlHead(told, titleOf(runs))}
<div class="tables">
${summaryTable(runs)}
${operationsTable(runs)}
</div>
${htmlPlots(runs)}
${reading(runs)}
</main>
<script type="application/json" id="${DATA_ID}">${embeddedJson(pageJson(runs))}</script>
<script>${trusted(script)}</script>
</body>
</html>
`
  return page.markup
}

/** Made by the build; next to the compiled modules, where the sources find it too. */
function builtFile(name: string): string {
  return readFileSync(new URL(`../../dist/page/${name}`, import.meta.url), 'utf8')
}

/** As it may stand in a script element. */
function scriptOf(source: string): string {
  return source.replaceAll(/<(?=\/script|!--)/gi, '\\x3c')
}

/** Nothing is loaded from anywhere, and no other script runs, whatever is in the report. */
function policy(script: string): string {
  const digest = createHash('sha256').update(script).digest('base64')
  return (
    `default-src 'none'; script-src 'sha256-${digest}'; style-src 'unsafe-inline'; img-src data:; ` +
    "base-uri 'none'; form-action 'none'"
  )
}

function titleOf(runs: readonly ReportedRun[]): string {
  const labels = runs.map(({ label }) => label)
  return labels.length <= 4 ? labels.join(' vs ') : `${labels.length} runs`
}

function pageJson(runs: readonly ReportedRun[]): string {
  const data: PageData = {
    runs: runs.map(({ label, percentiles, uncorrected, series }) => ({
      label,
      percentiles,
      uncorrected,
      series,
    })),
  }
  return JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(DIGITS)) : value,
  )
}

function reading(runs: readonly ReportedRun[]): Html {
  const openLoop = runs.some(({ rate }) => rate !== undefined)
  return html`<footer class="reading">
<h2>How to read it</h2>
<p>An operation is one key; latency is per request. ${
    openLoop
      ? html`In an open loop requests come at a rate of their own, and latency counts from the moment a
request was due: a stall shows in all the requests that it holds up. “From when it was sent” is what a tool
that waits for answers would have seen.`
      : html`In a closed loop a connection that waits sends nothing, so a server that stalls is asked less, and
percentiles flatter it.`
  }</p>
<p>A CPU load of 100 % is one core. Percentiles are from HDR histograms of three significant digits. Best are
all that come within 1 % of the best, or 0.1 points of a hit ratio.</p>
</footer>`
}
