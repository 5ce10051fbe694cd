import { describe, expect, test } from 'vitest'
import { BenchError } from '../errors.ts'
import { LOAD_REPORT_SCHEMA, type LoadReport } from './load-report.ts'
import { readLoadReport } from './read-load-report.ts'
import { reportedRun } from './reported-run.ts'
import { fixtureEnvironment, fixtureRun } from './run-fixture.ts'

const TITLE = { label: 'memcached', server: '127.0.0.1:11211', workload: '9 get : 1 set' }
const REPORT: LoadReport = {
  schema: LOAD_REPORT_SCHEMA,
  environment: fixtureEnvironment(),
  commandLine: 'memshard-bench --json a.json',
  runs: [
    reportedRun(TITLE, fixtureRun()),
    reportedRun(
      { ...TITLE, label: 'paced' },
      fixtureRun(
        { missRatio: 0.1, server: undefined },
        {
          pace: { requestsPerSecond: 1_000, spin: false, arrivals: 'poisson' },
          latencyFromSending: fixtureRun({ seed: 2 }).latency,
          serverCpu: undefined,
          serverVersion: undefined,
          errors: 2,
          complaints: ['a connection was lost'],
        },
      ),
    ),
  ],
}
const TEXT = JSON.stringify(REPORT)

describe('a load report', () => {
  test('is read back as it was written', () => {
    expect(readLoadReport(TEXT, 'a.json')).toEqual(REPORT)
  })

  test('of a run in which nothing happened too', () => {
    const nothing = fixtureRun(
      { intervals: 0 },
      {
        hitRatio: undefined,
        interrupted: true,
        generatorCpu: {
          microsecondsPerOperation: Number.NaN,
          load: 0,
          userShare: undefined,
          source: 'getrusage',
        },
      },
    )
    const report = { ...REPORT, runs: [reportedRun(TITLE, nothing)] }
    expect(readLoadReport(JSON.stringify(report), 'a.json')).toEqual(report)
  })

  test('may have fields of a later version, which are left out', () => {
    const later = { ...JSON.parse(TEXT), more: 1 }
    expect(readLoadReport(JSON.stringify(later), 'a.json')).toEqual(REPORT)
  })
})

describe('what is no load report is refused with the reason', () => {
  const refused = (text: string): string => {
    try {
      readLoadReport(text, 'a.json')
    } catch (error) {
      expect(error).toBeInstanceOf(BenchError)
      return (error as BenchError).message
    }
    throw new Error('it was read')
  }
  const changed = (from: string, to: string): string => refused(TEXT.replace(from, to))

  test('no JSON', () => {
    expect(refused('<html>')).toMatch(/^a\.json is no load report \(.*JSON.*\): give a file that /s)
  })

  test('JSON of something else', () => {
    expect(refused('{"servers":[]}')).toContain('report.schema is not "memshard-bench/load/1"')
    expect(refused('[]')).toContain('report is not a record')
    expect(refused('null')).toContain('report is not a record')
  })

  test('a field that is missing or of another type', () => {
    expect(changed('"label":"memcached",', '')).toContain('report.runs[0].label is not a text')
    expect(changed('"threads":1', '"threads":"1"')).toContain(
      'report.runs[0].threads is not a number',
    )
    expect(changed('"complaints":[]', '"complaints":{}')).toContain(
      'report.runs[0].complaints is not a list',
    )
    expect(changed('"interrupted":false', '"interrupted":0')).toContain(
      'report.runs[0].interrupted is not true or false',
    )
    expect(changed('"p50":[', '"p50":["x",')).toContain('report.runs[0].series.p50[0] is not')
  })

  test('columns of different lengths', () => {
    expect(changed('"errors":[0,', '"errors":[')).toContain(
      'report.runs[0].series.errors is not a column of 5 intervals, as at is',
    )
  })
})
