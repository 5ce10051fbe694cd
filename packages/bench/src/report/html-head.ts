// The top of an HTML report: what was measured, on what machine, with which command, and first of all what went
// wrong. Knows nothing of plots.
import type { Environment } from './environment.ts'
import { formatCount, significant } from './format.ts'
import { type Html, html } from './html-template.ts'
import type { LoadReport, ReportedRun } from './load-report.ts'

export function htmlHead(reports: readonly LoadReport[], title: string): Html {
  const runs = reports.flatMap((report) => report.runs)
  return html`<header>
<p class="eyebrow">memshard-bench load report</p>
<h1>${title}</h1>
${reports.map((report) => setting(report, reports.length > 1))}
</header>
${troubles(reports)}
<section class="runs" aria-label="Runs">
${runs.map(runCard)}
</section>`
}

/** The mark of a run's colour, as in the plots. */
export function swatch(index: number): Html {
  return html`<i class="swatch run-${index % RUN_COLORS}" aria-hidden="true"></i>`
}

/** As many as page/colors.css has; after that they begin anew. */
export const RUN_COLORS = 8

function setting({ environment, commandLine, runs }: LoadReport, named: boolean): Html {
  const { cpu, cores, memoryBytes, kernel, node, date, commit, loadAverage } = environment
  return html`<section class="setting">
${named ? html`<h2>${runs.map(({ label }) => label).join(', ')}</h2>` : undefined}
<dl>
<div><dt>Machine</dt><dd>${cpu}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB</dd></div>
<div><dt>System</dt><dd>${kernel}, node ${node}</dd></div>
<div><dt>Measured</dt><dd><time datetime="${date}">${minute(date)}</time>${
    commit === undefined ? undefined : html`, commit ${commit}`
  }</dd></div>
<div><dt>Load average before</dt><dd>${loadAverage.map((load) => load.toFixed(2)).join(' ')}</dd></div>
</dl>
<pre aria-label="Command line"><code>memshard-bench ${commandLine}</code></pre>
</section>`
}

/** `2026-11-23 18:47 UTC`. */
function minute(date: string): string {
  return date.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/, '$1 $2 UTC')
}

function runCard(run: ReportedRun, index: number): Html {
  const { label, server, version, workload, driver, threads, rate, seconds } = run
  const loop = rate === undefined ? 'closed loop' : `open loop of ${formatCount(rate)} requests/s`
  return html`<article>
<h2>${swatch(index)}${label}</h2>
<p>${workload}</p>
<p class="muted">${server}${version === undefined ? undefined : html`, version ${version}`}</p>
<p class="muted">${loop}, ${driver}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${significant(seconds)} s</p>
</article>`
}

interface Trouble {
  readonly grave: boolean
  readonly about: string
  readonly text: string
}

function troubles(reports: readonly LoadReport[]): Html | undefined {
  const found = reports.flatMap((report) => report.runs.flatMap(troublesOf))
  if (new Set(reports.map(({ environment }) => machineOf(environment))).size > 1) {
    found.push({
      grave: false,
      about: 'different machines',
      text: 'the reports are of different machines or systems: their numbers differ for that alone',
    })
  }
  if (found.length === 0) return undefined
  const first = [...found].sort((one, other) => Number(other.grave) - Number(one.grave))
  return html`<section class="troubles" aria-label="What went wrong">
<ul>
${first.map(
  ({ grave, about, text }) =>
    html`<li class="${grave ? 'grave' : 'light'}"><strong>${about}</strong> ${text}</li>`,
)}
</ul>
</section>`
}

function troublesOf({ label, summary, complaints, rate, interrupted }: ReportedRun): Trouble[] {
  const found: Trouble[] = []
  if (summary.errors > 0) {
    const count = `${formatCount(summary.errors)} ${summary.errors === 1 ? 'error' : 'errors'}`
    found.push({ grave: true, about: `${label}: ${count}`, text: complaints.join('; ') })
  }
  if (interrupted) {
    found.push({ grave: false, about: label, text: 'was interrupted before its time' })
  }
  if (summary.generatorIsBottleneck) {
    const text =
      rate === undefined
        ? 'the load generator used nearly all of its cores: throughput and latency are partly its own'
        : `the rate of ${formatCount(rate)} requests/s was not reached`
    found.push({ grave: false, about: label, text })
  }
  return found
}

function machineOf({ cpu, cores, memoryBytes, kernel, node }: Environment): string {
  return JSON.stringify([cpu, cores, memoryBytes, kernel, node])
}
