import { expect, test } from 'vitest'
import { withDistinctLabels } from './distinct-labels.ts'
import { LOAD_REPORT_SCHEMA, type LoadReport, type ReportedRun } from './load-report.ts'
import { reportedRun } from './reported-run.ts'
import { fixtureEnvironment, fixtureRun } from './run-fixture.ts'

const RUN = reportedRun({ label: 'get', server: 'a:11211', workload: 'get' }, fixtureRun())

function labelsOf(...runs: Partial<ReportedRun>[]): string[] {
  const reports = runs.map(
    (changes): LoadReport => ({
      schema: LOAD_REPORT_SCHEMA,
      environment: fixtureEnvironment(),
      commandLine: '',
      runs: [{ ...RUN, ...changes }],
    }),
  )
  return withDistinctLabels(reports).flatMap((report) => report.runs.map(({ label }) => label))
}

test('labels that differ stay', () => {
  expect(labelsOf({}, { label: 'set' })).toEqual(['get', 'set'])
})

test('namesakes are told apart by what differs in all of them', () => {
  expect(labelsOf({}, { label: 'set' }, { server: 'b:11211' })).toEqual([
    'get, a:11211',
    'set',
    'get, b:11211',
  ])
  expect(labelsOf({ version: undefined }, { version: '1.6.41' })).toEqual([
    'get, unknown version',
    'get, 1.6.41',
  ])
  expect(labelsOf({}, { rate: 20_000 })).toEqual(['get, closed loop', 'get, 20,000 requests/s'])
  expect(labelsOf({}, { threads: 2 })).toEqual(['get, 1 thread', 'get, 2 threads'])
})

test('the same twice is numbered', () => {
  expect(labelsOf({}, {}, { server: 'b:11211' })).toEqual(['get #1', 'get #2', 'get #3'])
})
