import { expect, test } from 'vitest'
import type { CostReport } from '../cost/cost.ts'
import type { RatioEntry, RatioRow } from '../cost/cpu-rows.ts'
import { costSections } from './cost-report.ts'
import { plotRatios } from './ratio-plot.ts'
import { sectionsMarkdown, sectionsText } from './section.ts'

const SERVER = {
  kind: 'command',
  command: 'x',
  args: [],
  isMemshard: false,
  version: '1',
  transport: undefined,
} as const

const REPORT: CostReport = {
  environment: {
    date: '2026-01-01',
    node: 'v20',
    cpu: 'A processor',
    cores: 2,
    memoryBytes: 2 ** 30,
    kernel: 'Linux',
    loadAverage: [0, 0, 0],
    commit: undefined,
  },
  setting: {
    servers: [
      { ...SERVER, label: 'theirs' },
      { ...SERVER, label: 'ours', isMemshard: true, transport: 'uring' },
    ],
    placement: undefined,
    rounds: 5,
    roundMs: 1_500,
    warmupMs: 500,
    quick: false,
  },
  prioritized: false,
  commandLine: 'cost',
  minutes: 1,
  complete: true,
  rows: [],
}

function row(name: string, difference: Partial<RatioEntry>): RatioRow {
  const entry: RatioEntry = {
    label: 'ours',
    against: 'theirs',
    own: 5,
    other: 10,
    ratio: { median: 0.5, low: 0.4, high: 0.6 },
    target: 0.5,
    marks: [],
    complaints: [],
    also: '',
    ...difference,
  }
  return { name, title: `title of ${name}`, unit: 'us/op', entries: [entry] }
}

function text(difference: Partial<CostReport>): string {
  return sectionsText(costSections({ ...REPORT, ...difference }))
}

test('each row says target, what was reached, and whether that is enough', () => {
  const shown = text({ rows: [row('get', {}), row('set', { target: 0.45, marks: ['noise'] })] })
  expect(shown).toMatch(/^title of get +ours +met +0\.50 +0\.50 +0\.40-0\.60 +5\.00 +10\.0$/m)
  expect(shown).toMatch(/^title of set +ours +not met +0\.50 +0\.45 .* noise$/m)
  expect(shown).toContain('noise: the rounds lie on both sides of 1.')
  expect(shown).toContain('ours: 1, io_uring')
})

test('errors are told with their reasons', () => {
  const rows = [row('get', { marks: ['errors'], complaints: ['ours: answered "ERROR"'] })]
  expect(text({ rows })).toContain('ERRORS: title of get, ours: answered "ERROR".')
})

test('a cliff between two numbers of connections shows as the growth of each', () => {
  const rows = [row('conns-1000', {}), row('conns-10000', { own: 10, other: 11 })]
  expect(text({ rows })).toContain('theirs 1.10, ours 2.00')
})

test('items are compared by size and on average', () => {
  const sizes = [
    { valueBytes: 10, items: [100, 120] },
    { valueBytes: 100_000, items: [10, 10] },
  ]
  const items = { memoryMegabytes: 64, keyBytes: 20, labels: ['theirs', 'ours'], sizes }
  expect(text({ items })).toMatch(/never fewer: met; mean ratio 1\.100, target 1\.08: met/)
  const worse = { ...items, sizes: [{ valueBytes: 10, items: [100, 99] }] }
  expect(text({ items: worse })).toMatch(/never fewer: not met \(0\.990\); .*: not met/)
})

test('collections in a worker, or wrong answers, miss the target', () => {
  const garbage = {
    label: 'ours',
    requests: 1_000,
    seconds: 1,
    errors: 0,
    workerCollections: [],
    mainCollections: 3,
    heapBytesBefore: 10e6,
    heapBytesAfter: 10e6 + 2_000,
  }
  expect(text({ garbage: [garbage] })).toMatch(/^ours +met +1,000 +0 .* 2\.00$/m)
  expect(text({ garbage: [{ ...garbage, workerCollections: ['Scavenge'] }] })).toContain('not met')
  expect(text({ garbage: [{ ...garbage, errors: 1 }] })).toContain('not met')
})

test('what was interrupted says so', () => {
  expect(text({ complete: false })).toContain('INTERRUPTED')
})

test('markdown has the same, as tables', () => {
  const shown = sectionsMarkdown(costSections({ ...REPORT, rows: [row('get', {})] }))
  expect(shown).toContain('| title of get | ours | met | 0.50 |')
})

test('the picture has a bar for each server, and what all of them mean', () => {
  const svg = plotRatios({ ...REPORT, rows: [row('get', {}), row('set', { target: undefined })] })
  expect(svg).toMatch(/^<svg .*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  for (const word of ['title of get', 'title of set', 'ours', 'target', 'against theirs']) {
    expect(svg).toContain(word)
  }
  const barColor = /<rect [^>]*fill="(#\w+)"/.exec(svg)?.[1] ?? ''
  // Two bars, and one in the legend.
  expect(svg.split(`fill="${barColor}"`)).toHaveLength(4)
})
