import { expect, test } from 'vitest'
import { csvReport } from './csv-report.ts'
import { seriesOf } from './load-series.ts'
import { fixtureIntervals } from './run-fixture.ts'

const HEAD =
  'run,at_seconds,seconds,operations_per_second,requests_per_second,hit_ratio,errors,received_bytes_per_second,' +
  'latency_p50_us,latency_p99_us,latency_p99.9_us,latency_max_us,server_cores,server_resident_bytes,generator_cores'

test('one line an interval, those of all runs below one head', () => {
  const series = seriesOf(fixtureIntervals({ intervals: 2 }))
  const text = csvReport([
    { label: 'one', series },
    { label: 'other', series },
  ])
  const lines = text.split('\r\n')
  expect(lines).toHaveLength(6)
  expect(lines[0]).toBe(HEAD)
  expect(lines[1]).toMatch(
    /^one,0,1,1000,1000,1,0,126000,[\d.]+,[\d.]+,[\d.]+,[\d.]+,0.93,71000000,0.62$/,
  )
  expect(lines[4]).toMatch(/^other,1,1,/)
  expect(lines[5]).toBe('')
})

test('what there is not is an empty field', () => {
  const [interval] = fixtureIntervals({ intervals: 1 })
  const series = seriesOf([{ ...interval!, server: undefined }])
  expect(csvReport([{ label: 'a', series }])).toMatch(/,,,0.62\r\n$/)
})

test('a label may have commas and quotes', () => {
  const series = seriesOf(fixtureIntervals({ intervals: 1 }))
  const text = csvReport([{ label: 'ours, "new"', series }])
  expect(text).toContain('\r\n"ours, ""new""",0,1,')
})
