// The rounds of a comparison as runs of a load report: of each server and workload the one in the middle.
// Knows nothing of how they were measured.
import type { Comparison } from '../compare.ts'
import type { RunRecord } from '../run.ts'
import { describeWorkload } from '../workload/workload.ts'
import type { ReportedRun } from './load-report.ts'
import { reportedRun } from './reported-run.ts'

export interface ComparedRecord {
  /** Of the server. */
  readonly label: string
  readonly record: RunRecord
}

/** In the order of the comparison's rows, and of the servers in each. */
export function comparedRuns(
  { rows, servers }: Comparison,
  records: readonly ComparedRecord[],
): ReportedRun[] {
  return rows.flatMap(({ workload }) =>
    servers.flatMap(({ label, commandLine }) => {
      const rounds = records
        .filter(
          (compared) =>
            compared.label === label && compared.record.result.workload.name === workload.name,
        )
        .map(({ record }) => record)
        .toSorted((a, b) => a.result.operationsPerSecond - b.result.operationsPerSecond)
      const middle = rounds[Math.floor(rounds.length / 2)]
      if (!middle) return []
      const title = {
        label: rows.length === 1 ? label : `${workload.name}: ${label}`,
        server: commandLine,
        workload: describeWorkload(workload),
      }
      return [reportedRun(title, middle)]
    }),
  )
}
