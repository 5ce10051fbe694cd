import { describe, expect, test } from 'vitest'
import type { ReportedRun } from './load-report.ts'
import { reportedRun } from './reported-run.ts'
import { fixtureRun } from './run-fixture.ts'
import { type SummaryRow, summaryRows } from './summary-rows.ts'

const TITLE = { label: 'one', server: '127.0.0.1:11211', workload: 'get' }
const BASE = reportedRun(TITLE, fixtureRun())

function withSummary(summary: Partial<ReportedRun['summary']>): ReportedRun {
  return { ...BASE, summary: { ...BASE.summary, ...summary } }
}

function row(rows: readonly SummaryRow[], name: string): SummaryRow | undefined {
  return rows.find((one) => one.name === name)
}

describe('each run is related to the first', () => {
  test('by a ratio, and the best is marked whichever way is better', () => {
    const rows = summaryRows([
      withSummary({ operationsPerSecond: 100_000, requestsPerSecond: 100_000 }),
      withSummary({ operationsPerSecond: 124_000, requestsPerSecond: 124_000 }),
    ])
    expect(row(rows, 'operations/s')?.cells).toEqual([
      { text: '100,000', relation: '', best: false },
      { text: '124,000', relation: '1.24x', best: true },
    ])
    const cpu = { load: 1, userShare: 0.2, source: 'schedstat' }
    const costs = summaryRows([
      withSummary({ server: { ...cpu, microsecondsPerOperation: 5 } }),
      withSummary({ server: { ...cpu, microsecondsPerOperation: 10 } }),
    ])
    expect(row(costs, 'server, us/operation')?.cells).toEqual([
      { text: '5.00', relation: '', best: true },
      { text: '10.0', relation: '2.00x', best: false },
    ])
  })

  test('by points where it is a ratio already', () => {
    const rows = summaryRows([withSummary({ hitRatio: 0.9 }), withSummary({ hitRatio: 0.885 })])
    expect(row(rows, 'hit ratio')?.cells).toEqual([
      { text: '90.00 %', relation: '', best: true },
      { text: '88.50 %', relation: '-1.50', best: false },
    ])
  })
})

describe('no run is best', () => {
  test('by less than the noise', () => {
    const rate = (operationsPerSecond: number): ReportedRun => withSummary({ operationsPerSecond })
    const best = (...rates: number[]): boolean[] | undefined =>
      row(summaryRows(rates.map(rate)), 'operations/s')?.cells.map((cell) => cell.best)
    expect(best(100_000, 100_900)).toEqual([false, false])
    expect(best(100_000, 100_900, 90_000)).toEqual([true, true, false])
  })

  test('alone, or where the measure only explains', () => {
    expect(
      summaryRows([BASE])
        .flatMap(({ cells }) => cells)
        .some(({ best }) => best),
    ).toBe(false)
    const rows = summaryRows([withSummary({ errors: 0 }), withSummary({ errors: 5 })])
    expect(row(rows, 'errors')?.cells).toEqual([
      { text: '0', relation: '', best: false },
      { text: '5', relation: '', best: false },
    ])
  })
})

test('what no run has is no row; what one has is a dash for the others', () => {
  const unknown = withSummary({ server: undefined, hitRatio: null })
  const names = summaryRows([unknown]).map(({ name }) => name)
  expect(names).not.toContain('hit ratio')
  expect(names).not.toContain('server, of a core')
  expect(
    summaryRows([unknown]).some(({ group }) => group === 'Latency from when it was sent'),
  ).toBe(false)
  expect(row(summaryRows([BASE, unknown]), 'hit ratio')?.cells[1]?.text).toBe('-')
})

test('requests are a row of their own where one asks for several keys', () => {
  const several = withSummary({ requestsPerSecond: BASE.summary.operationsPerSecond / 100 })
  expect(row(summaryRows([BASE]), 'requests/s')).toBeUndefined()
  expect(row(summaryRows([several]), 'requests/s')?.cells[0]?.text).toBe('10')
})
