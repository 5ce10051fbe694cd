// What the page of an HTML report draws, as the JSON inside it: report/ writes it, page/ reads it.
// Knows neither HTML nor plots.
import type { PercentilePoint, Series } from '../measure/interval.ts'

export interface PageData {
  readonly runs: readonly PageRun[]
}

export interface PageRun {
  readonly label: string
  readonly percentiles: readonly PercentilePoint[]
  readonly uncorrected?: readonly PercentilePoint[] | undefined
  readonly series: Series
}

/** The plots; each is drawn into the element whose `data-plot` names it. */
export type PlotName =
  | 'percentiles'
  | 'throughput'
  | 'p50'
  | 'p99'
  | 'p999'
  | 'max'
  | 'hitRatio'
  | 'serverLoad'
  | 'serverMemory'
  | 'generatorLoad'

/** The element with the data. */
export const DATA_ID = 'load-report-data'
