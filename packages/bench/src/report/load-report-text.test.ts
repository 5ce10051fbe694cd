import { describe, expect, test } from 'vitest'
import { LOAD_REPORT_SCHEMA, type LoadReport, type ReportedRun } from './load-report.ts'
import { loadReportText } from './load-report-text.ts'
import { reportedRun } from './reported-run.ts'
import { fixtureEnvironment, fixtureRun } from './run-fixture.ts'

const TITLE = {
  label: 'memcached',
  server: '127.0.0.1:11211',
  workload:
    '9 get : 1 set, 10000 keys of 16 B, values of 100 B, 50 connections, 1 in flight on each',
}
const CLOSED = reportedRun(TITLE, fixtureRun({ missRatio: 0.05 }))
const OPEN = reportedRun(
  { ...TITLE, label: 'paced' },
  fixtureRun(
    { microseconds: 400 },
    {
      threads: 2,
      pace: { requestsPerSecond: 1_000, spin: false, arrivals: 'poisson' },
      latencyFromSending: fixtureRun({ microseconds: 200 }).latency,
    },
  ),
)

function report(...runs: ReportedRun[]): LoadReport {
  return {
    schema: LOAD_REPORT_SCHEMA,
    environment: fixtureEnvironment(),
    commandLine: 'memshard-bench',
    runs,
  }
}

function linesOf(...runs: ReportedRun[]): string[] {
  return loadReportText(report(...runs)).split('\n')
}

describe('a run', () => {
  test('is told with all that was measured', () => {
    expect(loadReportText(report(CLOSED))).toMatchInlineSnapshot(`
      "AMD EPYC, 2 cores, 23.5 GiB, Linux 6.18.44, node v20.20.2
      2026-11-23T18:47:52.610Z, commit 1583016, load average 0.21 0.33 0.27

      memcached: 9 get : 1 set, 10000 keys of 16 B, values of 100 B, 50 connections, 1 in flight on each
        server      127.0.0.1:11211, 1.6.18
        driven by   epoll, 1 thread, closed loop
        throughput  1,000 operations/s, 0.126 MB/s received
        hit ratio   95.00 %
        latency     p50 280 us  p90 429 us  p95 554 us  p99 1.24 ms  p99.9 5.64 ms  p99.99 78.8 ms  max 78.8 ms
        get         900/s, 90 %, p50 280 us  p99 1.24 ms  p99.9 5.64 ms
        set         100/s, 10 %, p50 280 us  p99 1.24 ms  p99.9 5.64 ms
        server cpu  6.62 us/operation, 93 % of a core, 17 % in user mode (by schedstat)
        load cpu    4.40 us/operation, 62 % of a core, 31 % in user mode (by getrusage)
        measured    5,000 operations in 5.00 s
      "
    `)
  })

  test('of an open loop has the latencies of both ways to count', () => {
    const lines = linesOf(OPEN)
    const [due, sent] = lines.filter((line) => line.includes('p99.99'))
    expect(lines).toContain('  driven by   epoll, 2 threads, open loop of 1,000 requests/s')
    expect(due).toMatch(/^ {2}latency {5}p50 \d{3} us .*\(from when a request was due\)$/)
    expect(sent).toMatch(/^ {14}p50 \d{3} us .*\(from when it was sent\)$/)
  })

  test('that asked for several keys at once tells its requests too', () => {
    const summary = { ...CLOSED.summary, requestsPerSecond: 10 }
    expect(linesOf({ ...CLOSED, summary })).toContain(
      '  throughput  1,000 operations/s in 10 requests/s, 0.126 MB/s received',
    )
  })

  test('with errors, a bottleneck or an early end says so', () => {
    const summary = { ...CLOSED.summary, errors: 12, generatorIsBottleneck: true }
    const lines = linesOf({
      ...CLOSED,
      interrupted: true,
      summary,
      complaints: ['a connection was lost', 'missed a key'],
    })
    expect(lines).toContain('  note        interrupted before its time')
    expect(lines.join('\n')).toMatch(/ {2}note {8}the generator used nearly all of its cores/)
    expect(lines).toContain('  ERRORS      12: a connection was lost; missed a key')
    expect(linesOf({ ...OPEN, summary }).join('\n')).toContain(
      'the rate of 1,000 requests/s was not reached',
    )
  })
})

test('several runs stand side by side at the end', () => {
  const lines = linesOf(CLOSED, OPEN)
  const head = lines.findIndex((line) => /^ +memcached +paced$/.test(line))
  expect(head).toBeGreaterThan(0)
  const table = lines.slice(head + 2)
  expect(table.find((line) => line.startsWith('p50'))).toMatch(/^p50 +\d+ us +\d+ us +1\.\d\dx$/)
  expect(table.find((line) => line.startsWith('hit ratio'))).toMatch(
    /95\.00 % +100\.00 % +\+5\.00$/,
  )
})
