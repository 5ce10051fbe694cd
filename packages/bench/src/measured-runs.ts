// Carries out the plan of the main command: each workload a run, told while it goes on, then as a report and
// as the files that were asked for. Measures nothing itself and knows no format.
import { writeFileSync } from 'node:fs'
import { formatAddress } from './load/address.ts'
import { csvReport } from './report/csv-report.ts'
import { describeEnvironment } from './report/environment.ts'
import { histogramLog, percentileDistribution } from './report/hdr-files.ts'
import { LiveTable } from './report/live-table.ts'
import { LOAD_REPORT_SCHEMA, type LoadReport } from './report/load-report.ts'
import { loadReportText } from './report/load-report-text.ts'
import { reportedRun } from './report/reported-run.ts'
import { searchReport } from './report/search-report.ts'
import { type PhaseName, type RunOptions, type RunRecord, recordRun, type Target } from './run.ts'
import type { Output, RunPlan, SearchPlan } from './run-command-line.ts'
import { search } from './search.ts'
import { commandLineOf, type Surroundings } from './surroundings.ts'
import { describeWorkload, type Workload } from './workload/workload.ts'

/** Resolves to the number of errors. */
export async function carryOutRuns(plan: RunPlan, surroundings: Surroundings): Promise<number> {
  return reportRuns(
    plan.workloads.map((workload) => {
      return { workload, description: describeWorkload(workload), options: plan }
    }),
    plan,
    surroundings,
  )
}

export interface PlannedRun {
  readonly workload: Workload
  /** What is asked, in one line. */
  readonly description: string
  readonly options: RunOptions
}

interface MeasuredRun {
  readonly startedAt: number
  readonly description: string
  readonly record: RunRecord
}

/** Runs one after the other, and tells of all of them. Resolves to the number of errors. */
export async function reportRuns(
  runs: readonly PlannedRun[],
  { target, output }: { readonly target: Target; readonly output: Output },
  surroundings: Surroundings,
): Promise<number> {
  const { out, signal } = surroundings
  const environment = describeEnvironment()
  const server = target.servers.map(formatAddress).join(' ')
  const records: MeasuredRun[] = []
  for (const { workload, description, options } of runs) {
    if (signal.aborted) break
    const live = liveTable(output, surroundings)
    let startedAt = Date.now()
    const onPhase = (phase: PhaseName): void => {
      if (phase === 'measured') startedAt = Date.now()
      live?.phase(phase)
    }
    const record = await recordRun(
      target,
      workload,
      {
        ...options,
        onPhase,
        onInterval: (interval, phase) =>
          live?.interval(interval, phase === 'measured' ? undefined : phase),
      },
      signal,
    )
    live?.done()
    records.push({ startedAt, record, description })
  }
  const report: LoadReport = {
    schema: LOAD_REPORT_SCHEMA,
    environment,
    commandLine: commandLineOf(surroundings.argv),
    runs: records.map(({ record, description }) =>
      reportedRun({ label: labelOf(record), server, workload: description }, record),
    ),
  }
  await writeFiles(output, report, records)
  out(
    output.format === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : loadReportText(report),
  )
  return records.reduce((sum, { record }) => sum + record.result.errors, 0)
}

/** Resolves to the number of errors. */
export async function carryOutSearch(
  plan: SearchPlan,
  { out, err, signal }: Surroundings,
): Promise<number> {
  const environment = describeEnvironment()
  const results = []
  for (const workload of plan.workloads) {
    if (signal.aborted) break
    const onStep = (): void => err('.')
    results.push(await search(plan.target, workload, plan, onStep, signal))
    err('\n')
  }
  out(
    plan.output.format === 'json'
      ? `${JSON.stringify({ environment, searches: results }, undefined, 2)}\n`
      : searchReport(environment, results),
  )
  return results.reduce((sum, { errors }) => sum + errors, 0)
}

async function writeFiles(
  { csv, hdr, html }: Output,
  report: LoadReport,
  records: readonly MeasuredRun[],
): Promise<void> {
  if (csv !== undefined) writeFileSync(csv, csvReport(report.runs))
  if (hdr !== undefined) {
    const logged = records.map(({ startedAt, record }) => {
      return { label: labelOf(record), startedAt, intervals: record.intervals }
    })
    writeFileSync(hdr, histogramLog(logged))
    for (const { record } of records) {
      const name = records.length === 1 ? `${hdr}.hgrm` : `${hdr}.${labelOf(record)}.hgrm`
      writeFileSync(name, percentileDistribution(record.latency))
    }
  }
  if (html !== undefined) {
    // Loaded for this alone.
    const { htmlReport } = await import('./report/html-report.ts')
    writeFileSync(html, htmlReport([report]))
  }
}

function labelOf({ result }: RunRecord): string {
  return result.workload.name
}

/** What is told while a load goes on; nothing where nobody looks. */
function liveTable(
  output: Output,
  { err, terminal }: Surroundings,
): (Pick<LiveTable, 'interval' | 'done'> & { phase: (phase: PhaseName) => void }) | undefined {
  if (!(output.live ?? terminal !== undefined)) return undefined
  const table = new LiveTable(err, {
    isTerminal: terminal !== undefined,
    columns: terminal?.columns ?? 100,
  })
  return {
    phase: (phase) => {
      if (phase === 'fill') err('storing the keys first\n')
    },
    interval: (interval, phase) => table.interval(interval, phase),
    done: () => table.done(),
  }
}
