// What other programs may use of the bench: describe a load, run it, compare servers, report.
export { type CompareOptions, type Comparison, compare } from './compare.ts'
export { BenchError, type BenchErrorCode } from './errors.ts'
export { formatAddress, parseAddress, type ServerAddress } from './load/address.ts'
export type { Caller, Conversation } from './load/conversation.ts'
export type { DriverChoice } from './load/driver.ts'
export type { LatencySummary } from './measure/latency.ts'
export { htmlReport } from './report/html-report.ts'
export type { LoadReport, ReportedRun } from './report/load-report.ts'
export { readLoadReport } from './report/read-load-report.ts'
export {
  type CpuCost,
  type RunLength,
  type RunOptions,
  type RunRecord,
  type RunResult,
  recordRun,
  run,
  type Target,
} from './run.ts'
export { parseObjective, type SearchResult, search } from './search.ts'
export { parseServerCommand, type ServerCommand } from './servers.ts'
export { OperationCaller, type OperationCallerOptions } from './wire/operation-caller.ts'
export { ValueLedger } from './wire/value-ledger.ts'
export { NAMED_WORKLOADS, namedWorkload } from './workload/named.ts'
export {
  type KeySpace,
  OPERATIONS,
  type Operation,
  type OperationName,
  type OperationSource,
} from './workload/operation.ts'
export { Tally } from './workload/tally.ts'
export { recordTape, type Tape } from './workload/tape.ts'
export { DEFAULT_WORKLOAD, type Workload } from './workload/workload.ts'
