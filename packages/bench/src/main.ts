// The program: reads the plan, carries it out, prints the report and decides on the exit code.
// The only place that knows all parts; does none of their work.

import { readFileSync, writeFileSync } from 'node:fs'
import { howToInstall, installedClients } from './clients/known-clients.ts'
import { type ClientsReport, measureClients } from './clients/measure-clients.ts'
import type { ClientsPlan } from './clients-command-line.ts'
import { type Plan, parseCommandLine } from './command-line.ts'
import { type Comparison, compare } from './compare.ts'
import { type CostReport, measureCost } from './cost/cost.ts'
import type { CostPlan } from './cost-command-line.ts'
import { BenchError } from './errors.ts'
import { type HitRatioReport, measureHitRatio } from './hitratio/hit-ratio.ts'
import type { HitRatioPlan } from './hitratio-command-line.ts'
import { carryOutRuns, carryOutSearch } from './measured-runs.ts'
import { carryOutReplay, carryOutTrace } from './replay.ts'
import { clientsSections } from './report/clients-report.ts'
import { type CompareSetting, compareMarkdown, compareText } from './report/compare-report.ts'
import { type ComparedRecord, comparedRuns } from './report/compared-runs.ts'
import { costSections } from './report/cost-report.ts'
import { csvReport } from './report/csv-report.ts'
import { describeEnvironment } from './report/environment.ts'
import { hitRatioSections } from './report/hit-ratio-report.ts'
import { LOAD_REPORT_SCHEMA } from './report/load-report.ts'
import { loadReportText } from './report/load-report-text.ts'
import { writeIntoPage } from './report/page.ts'
import { readLoadReport } from './report/read-load-report.ts'
import { type Section, sectionsMarkdown, sectionsText } from './report/section.ts'
import type { ReportPlan } from './report-command-line.ts'
import { measureRing, ringSections } from './ring/ring-cost.ts'
import type { RingPlan } from './ring-command-line.ts'
import type { ComparePlan } from './run-command-line.ts'
import { separateCores } from './servers.ts'
import { commandLineOf, type Surroundings } from './surroundings.ts'

export const EXIT_OK = 0
/** Wrong answers, lost connections, or nothing to measure. */
export const EXIT_FAILURE = 1
export const EXIT_USAGE = 2
/** As shells have it for SIGINT. */
export const EXIT_INTERRUPTED = 130

/** Resolves to the exit code; what a user can do wrong is told on `err`, not thrown. */
export async function main(surroundings: Surroundings): Promise<number> {
  const { argv, version, out, err, signal } = surroundings
  try {
    const plan = parseCommandLine(argv, version)
    if (plan.kind === 'print') {
      out(plan.text)
      return EXIT_OK
    }
    const errors = await carryOut(plan, surroundings)
    if (signal.aborted) return EXIT_INTERRUPTED
    return errors > 0 ? EXIT_FAILURE : EXIT_OK
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    err(`memshard-bench: ${error.message}\n`)
    return error.code === 'USAGE' ? EXIT_USAGE : EXIT_FAILURE
  }
}

/** Resolves to the number of errors. */
function carryOut(
  plan: Exclude<Plan, { kind: 'print' }>,
  surroundings: Surroundings,
): Promise<number> {
  switch (plan.kind) {
    case 'run':
      return carryOutRuns(plan, surroundings)
    case 'search':
      return carryOutSearch(plan, surroundings)
    case 'compare':
      return carryOutComparison(plan, surroundings)
    case 'cost':
      return carryOutCost(plan, surroundings)
    case 'clients':
      return carryOutClients(plan, surroundings)
    case 'ring':
      return carryOutRing(plan, surroundings)
    case 'hitratio':
      return carryOutHitRatio(plan, surroundings)
    case 'replay':
      return carryOutReplay(plan, surroundings)
    case 'trace':
      return carryOutTrace(plan, surroundings)
    case 'report':
      return carryOutReport(plan, surroundings)
  }
}

async function carryOutComparison(
  plan: ComparePlan,
  { argv, out, err, signal }: Surroundings,
): Promise<number> {
  const environment = describeEnvironment()
  const placement = separateCores()
  const { html, format } = plan.output
  const records: ComparedRecord[] = []
  const comparison = await compare(
    {
      ...plan,
      placement,
      // What a page draws costs the load a pause now and then.
      intervalMs: html === undefined ? undefined : plan.intervalMs,
      onRecord: (label, record) => records.push({ label, record }),
    },
    (workload, round, server) =>
      err(`${workload.name}, round ${round + 1} of ${plan.rounds}: ${server.label}\n`),
    signal,
  )
  const commandLine = commandLineOf(argv)
  if (html !== undefined) {
    const { htmlReport } = await import('./report/html-report.ts')
    const runs = comparedRuns(comparison, records)
    writeFileSync(
      html,
      htmlReport([{ schema: LOAD_REPORT_SCHEMA, environment, commandLine, runs }]),
    )
  }
  out(show(comparison, { environment, placement, rounds: plan.rounds, commandLine }, format))
  return comparison.rows
    .flatMap((row) => row.columns)
    .reduce((sum, column) => sum + column.errors, 0)
}

async function carryOutCost(
  plan: CostPlan,
  { argv, out, err, signal }: Surroundings,
): Promise<number> {
  const { from, json: jsonFile, markdown, plot } = plan
  const commandLine = commandLineOf(argv)
  const report =
    from === undefined
      ? await measureCost({ ...plan, commandLine }, (what) => err(`${what}\n`), signal)
      : (JSON.parse(readFileSync(from, 'utf8')) as CostReport)
  if (jsonFile !== undefined) writeFileSync(jsonFile, json(report))
  const sections = costSections(report)
  const printed = sectionsPrinted(sections, 'cost', markdown)
  if (plot !== undefined) {
    // Loaded for this alone: it brings a document of its own.
    const { plotRatios } = await import('./report/ratio-plot.ts')
    writeFileSync(plot, plotRatios(report))
  }
  out(printed)
  return report.rows.flatMap((row) => row.entries).filter((entry) => entry.marks.includes('errors'))
    .length
}

async function carryOutClients(
  plan: ClientsPlan,
  { argv, out, err, signal }: Surroundings,
): Promise<number> {
  const { from, json: jsonFile, markdown, plot } = plan
  const commandLine = commandLineOf(argv)
  const measured = async (): Promise<ClientsReport> => {
    const { clients, missing } = installedClients(plan.clients)
    if (missing.length > 0) err(`left out: ${howToInstall(missing)} adds them\n`)
    return measureClients({ ...plan, clients, commandLine }, (what) => err(`${what}\n`), signal)
  }
  const report =
    from === undefined
      ? await measured()
      : (JSON.parse(readFileSync(from, 'utf8')) as ClientsReport)
  if (jsonFile !== undefined) writeFileSync(jsonFile, json(report))
  const sections = clientsSections(report)
  const printed = sectionsPrinted(sections, 'clients', markdown)
  if (plot !== undefined) {
    const { plotClients } = await import('./report/clients-plot.ts')
    writeFileSync(plot, plotClients(report))
  }
  out(printed)
  return report.rows.flatMap((row) => row.entries).reduce((sum, entry) => sum + entry.wrong, 0)
}

/** Resolves to the number of errors that the reports tell of. */
async function carryOutReport(plan: ReportPlan, { out }: Surroundings): Promise<number> {
  const reports = plan.files.map((file) => readLoadReport(readReport(file), file))
  if (plan.csv !== undefined)
    writeFileSync(plan.csv, csvReport(reports.flatMap(({ runs }) => runs)))
  if (plan.html !== undefined) {
    const { htmlReport } = await import('./report/html-report.ts')
    writeFileSync(plan.html, htmlReport(reports))
  }
  out(reports.map(loadReportText).join('\n'))
  return reports.flatMap(({ runs }) => runs).reduce((sum, { summary }) => sum + summary.errors, 0)
}

function readReport(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new BenchError('USAGE', `${file} cannot be read: name files that --json has made`, {
      cause,
    })
  }
}

async function carryOutHitRatio(
  plan: HitRatioPlan,
  { argv, out, err, signal }: Surroundings,
): Promise<number> {
  const { from, json: jsonFile, markdown, plot } = plan
  const commandLine = commandLineOf(argv)
  const options = { ...plan, driver: 'auto', commandLine } as const
  const report =
    from === undefined
      ? await measureHitRatio(options, (what) => err(`${what}\n`), signal)
      : (JSON.parse(readFileSync(from, 'utf8')) as HitRatioReport)
  if (!report) return 0
  if (jsonFile !== undefined) writeFileSync(jsonFile, json(report))
  const sections = hitRatioSections(report)
  const printed = sectionsPrinted(sections, 'hitratio', markdown)
  if (plot !== undefined) {
    const { plotHitRatios } = await import('./report/hit-ratio-plot.ts')
    writeFileSync(plot, plotHitRatios(report))
  }
  out(printed)
  return report.streams
    .flatMap(({ servers }) => servers)
    .reduce((sum, { errors }) => sum + errors, 0)
}

async function carryOutRing(
  { markdown }: RingPlan,
  { argv, out, signal }: Surroundings,
): Promise<number> {
  const commandLine = commandLineOf(argv)
  const sections = ringSections(await measureRing(describeEnvironment(), commandLine, signal))
  const printed = sectionsPrinted(sections, 'ring', markdown)
  out(printed)
  return 0
}

/** What is to be printed of them; where `--markdown` names a page, they are written there too. */
function sectionsPrinted(
  sections: readonly Section[],
  command: string,
  markdown: string | true | undefined,
): string {
  if (typeof markdown === 'string') writeIntoPage(markdown, command, sectionsMarkdown(sections))
  return markdown === true ? sectionsMarkdown(sections) : sectionsText(sections)
}

function show(
  comparison: Comparison,
  setting: CompareSetting,
  format: ComparePlan['output']['format'],
): string {
  switch (format) {
    case 'json':
      return json({ ...setting, ...comparison })
    case 'markdown':
      return compareMarkdown(comparison, setting)
    case 'text':
      return compareText(comparison, setting)
  }
}

/** For machines; a number that does not exist is null. */
function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
