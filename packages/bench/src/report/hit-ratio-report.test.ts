import { expect, test } from 'vitest'
import type { HitRatioReport, StreamResult } from '../hitratio/hit-ratio.ts'
import { DEFAULT_WORKLOAD } from '../workload/workload.ts'
import { averagePoints, hitRatioSections } from './hit-ratio-report.ts'
import { sectionsText } from './section.ts'

function result(label: string, hitRatio: number): StreamResult {
  return {
    label,
    gets: 1_000,
    hitRatio,
    steadyHitRatio: hitRatio + 0.1,
    parts: Array.from({ length: 50 }, (_, part) => part / 100),
    causes: { cold: 100, evicted: 50, expired: 0, deleted: 0 },
    items: 850,
    evictions: 50,
    residentBytes: 70e6,
    seconds: 1,
    errors: 0,
    complaints: [],
  }
}

const REPORT: HitRatioReport = {
  environment: {
    date: '2026-11-28T00:00:00.000Z',
    node: 'v20',
    cpu: 'none',
    cores: 2,
    memoryBytes: 2 ** 30,
    kernel: 'Linux',
    loadAverage: [0, 0, 0],
    commit: undefined,
  },
  commandLine: 'hitratio',
  workload: DEFAULT_WORKLOAD,
  operations: 1_000,
  servers: [
    { label: 'theirs', version: '1' },
    { label: 'ours', version: '2' },
  ],
  streams: [
    {
      popularity: 'zipf:1',
      memoryMegabytes: 64,
      servers: [result('theirs', 0.5), result('ours', 0.52)],
    },
    {
      popularity: 'scan',
      memoryMegabytes: 64,
      servers: [result('theirs', 0.5), result('ours', 0.49)],
    },
  ],
}

test('servers are held against the first, stream by stream and on average', () => {
  const [points] = averagePoints(REPORT)
  expect(points?.label).toBe('ours')
  expect(points?.average).toBeCloseTo(0.5)
  expect(points?.worst).toBeCloseTo(-1)
  const text = sectionsText(hitRatioSections(REPORT))
  expect(text).toMatch(/^zipf:1 +64 +theirs +50\.00 % +60\.00 % +850 +50 +70 MB/m)
  expect(text).toMatch(/^ +ours +52\.00 % +62\.00 % +\+2\.00 /m)
  expect(text).toMatch(/10\.00 % +5\.00 % +0\.00 %$/m)
  expect(text).toContain('ours against theirs: +0.50 points on average, -1.00 where it is least.')
})

test('what happened on the way is told by tenths', () => {
  const text = sectionsText(hitRatioSections(REPORT))
  expect(text).toMatch(/^zipf:1 +64 +theirs +2\.0 +7\.0 +12\.0 .* 47\.0$/m)
})
