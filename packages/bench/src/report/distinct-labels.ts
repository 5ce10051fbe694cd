// Tells runs apart that have the same label, as those of several reports often do. Knows nothing of how they
// are shown.
import { formatCount } from './format.ts'
import type { LoadReport, ReportedRun } from './load-report.ts'

/** What may tell namesakes apart, and says most of them first. */
const TRAITS: readonly ((run: ReportedRun) => string)[] = [
  ({ server }) => server,
  ({ version }) => version ?? 'unknown version',
  ({ rate }) => (rate === undefined ? 'closed loop' : `${formatCount(rate)} requests/s`),
  ({ threads }) => (threads === 1 ? '1 thread' : `${threads} threads`),
]

/** The label of namesakes is followed by the first trait in which all of them differ, or else by a number. */
export function withDistinctLabels(reports: readonly LoadReport[]): LoadReport[] {
  const runs = reports.flatMap((report) => report.runs)
  const distinct = (run: ReportedRun): string => {
    const namesakes = runs.filter(({ label }) => label === run.label)
    if (namesakes.length === 1) return run.label
    const trait = TRAITS.find((of) => new Set(namesakes.map(of)).size === namesakes.length)
    return trait ? `${run.label}, ${trait(run)}` : `${run.label} #${namesakes.indexOf(run) + 1}`
  }
  return reports.map((report) => ({
    ...report,
    runs: report.runs.map((run) => ({ ...run, label: distinct(run) })),
  }))
}
