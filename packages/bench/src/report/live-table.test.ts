import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { latencyHistogram } from '../measure/latency.ts'
import { LiveTable } from './live-table.ts'
import { fixtureIntervals } from './run-fixture.ts'

const WIDE = 100
const [USUAL] = fixtureIntervals({ requestsPerInterval: 1_000, missRatio: 0.1 })
const latency = latencyHistogram()
latency.recordValueWithCount(250_000, 995)
latency.recordValueWithCount(1_350_000, 5)
const INTERVAL = { ...USUAL!, at: 4, latency }

function tableOf(isTerminal: boolean, columns = WIDE): { table: LiveTable; written: string[] } {
  const written: string[] = []
  const table = new LiveTable((text) => written.push(text), { isTerminal, columns })
  return { table, written }
}

beforeEach(() => {
  vi.stubEnv('NO_COLOR', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a line an interval', () => {
  test('tells its end, throughput, hits, latencies, CPU and errors, below their names', () => {
    const { table, written } = tableOf(false)
    table.interval(INTERVAL)
    expect(written.join('')).toBe(
      '    time      ops/s  hit %     p50     p99   p99.9     max  server   load errors\n' +
        '     5 s      1,000  90.00  250 us  250 us 1.35 ms 1.35 ms    93 %   62 %      0\n',
    )
  })

  test('has a dash for what there is not', () => {
    const { table, written } = tableOf(false)
    const counts = { ...INTERVAL.counts, operations: [0, 0, 0, 0, 0, 0] }
    table.interval({ ...INTERVAL, counts, latency: latencyHistogram(), server: undefined })
    expect(written[1]).toBe(
      '     5 s          0      -       -       -       -       -       -   62 %      0\n',
    )
  })

  test('tells parts of a second where an interval is shorter', () => {
    const { table, written } = tableOf(false)
    table.interval({ ...INTERVAL, seconds: 0.5 })
    expect(written[1]).toMatch(/^ {3}4\.5 s {6}2,000 /)
  })

  test('has all of it where the width is 80, or not known', () => {
    for (const columns of [80, 0]) {
      const { table, written } = tableOf(true, columns)
      table.interval(INTERVAL)
      expect(written[1]).toHaveLength(81)
    }
  })

  test('fits into a narrow terminal without what tells least', () => {
    const { table, written } = tableOf(true, 60)
    table.interval(INTERVAL)
    expect(written[1]!.length).toBeLessThanOrEqual(61)
    expect(written[1]).toMatch(/5 s +1,000 +90.00 +250 us +250 us +1.35 ms +0/)
  })
})

describe('the head', () => {
  test('comes again every 20 lines', () => {
    const { table, written } = tableOf(false)
    for (let line = 0; line < 41; line++) table.interval(INTERVAL)
    const heads = written.flatMap((text, index) => (text.includes('ops/s') ? [index] : []))
    expect(heads).toEqual([0, 21, 42])
  })

  test('comes again for the next load', () => {
    const { table, written } = tableOf(false)
    table.interval(INTERVAL)
    table.done()
    table.interval(INTERVAL)
    expect(written.map((text) => text.includes('ops/s'))).toEqual([true, false, false, true, false])
    expect(written[2]).toBe('\n')
  })

  test('does not come where nothing was measured', () => {
    const { table, written } = tableOf(false)
    table.done()
    expect(written).toEqual([])
  })
})

describe('on a terminal', () => {
  const ESCAPE = '\u001b'

  test('what goes before the measured part is named and dimmed', () => {
    const { table, written } = tableOf(true)
    table.interval({ ...INTERVAL, at: -1 }, 'fill')
    table.interval({ ...INTERVAL, at: -1 })
    table.interval(INTERVAL)
    expect(written[1]).toMatch(new RegExp(`^${ESCAPE}\\[2m +fill .*${ESCAPE}\\[22m\n$`))
    expect(written[2]).toMatch(new RegExp(`^${ESCAPE}\\[2m warm-up .*${ESCAPE}\\[22m\n$`))
    expect(written[3]).not.toContain(ESCAPE)
  })

  test('errors are red', () => {
    const { table, written } = tableOf(true)
    table.interval({ ...INTERVAL, counts: { ...INTERVAL.counts, errors: 3 } })
    expect(written[1]).toContain(`${ESCAPE}[31m`)
    expect(written[1]).toMatch(/ 3\S*\n$/)
  })

  test.each([
    ['NO_COLOR is set', true, '1'],
    ['it is no terminal', false, ''],
  ])('nothing is coloured where %s', (_, isTerminal, noColor) => {
    vi.stubEnv('NO_COLOR', noColor)
    const { table, written } = tableOf(isTerminal)
    table.interval({ ...INTERVAL, at: -1, counts: { ...INTERVAL.counts, errors: 3 } })
    expect(written.join('')).not.toContain(ESCAPE)
  })
})
