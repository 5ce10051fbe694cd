// Hit ratios side by side, as sections of text or markdown. Knows how it looks; nothing of how it was measured.
import type { HitRatioReport, MeasuredStream } from '../hitratio/hit-ratio.ts'
import { describeSizes } from '../workload/sizes.ts'
import { environmentLines } from './environment.ts'
import { formatCount } from './format.ts'
import type { Section } from './section.ts'

const MEGABYTE = 1e6
const TENTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const

export function hitRatioSections(report: HitRatioReport): Section[] {
  const { workload, operations, servers, environment, commandLine, streams } = report
  const setting = [
    ...environmentLines(environment),
    ...servers.map(({ label, version }) => `${label}: ${version}`),
    `${formatCount(operations)} operations a stream over ${formatCount(workload.keys)} keys; ` +
      `key sizes ${describeSizes(workload.keyBytes)}, value sizes ${describeSizes(workload.valueBytes)}; ` +
      'one connection, the same requests in the same order for all; what is missed is stored',
    `memshard-bench ${commandLine}`,
  ]
  return [
    { title: 'Setting of the hit ratios', lines: setting },
    {
      title: 'Hit ratio',
      table: {
        head: [
          'stream',
          '-m',
          'server',
          'hit ratio',
          'steady',
          'points',
          'items',
          'evictions',
          'RSS',
          'cold',
          'evicted',
          'expired',
        ],
        rows: streams.flatMap(streamRows),
        nameColumns: 3,
      },
      lines: [
        'steady: of the second half of the stream. points: hundredths that the steady ratio is above that of the first server.',
        'cold, evicted, expired: of the gets, those that missed for that reason: never stored before, stored and gone, out of its time.',
        ...summaryLines(report),
        ...complaints(streams),
      ],
    },
    {
      title: 'Hit ratio as the stream goes on',
      table: {
        head: ['stream', '-m', 'server', ...TENTHS.map((tenth) => `${tenth * 10} %`)],
        rows: streams.flatMap(({ popularity, memoryMegabytes, servers: results }) =>
          results.map(({ label, parts }, index) => [
            index === 0 ? popularity : '',
            index === 0 ? String(memoryMegabytes) : '',
            label,
            ...TENTHS.map((tenth) => (meanOfTenth(parts, tenth) * 100).toFixed(1)),
          ]),
        ),
        nameColumns: 3,
      },
      lines: ['In percent, of each tenth of the gets; the server was empty before the first.'],
    },
  ]
}

function meanOfTenth(parts: readonly number[], tenth: number): number {
  const from = Math.floor(((tenth - 1) * parts.length) / TENTHS.length)
  const of = parts.slice(
    from,
    Math.max(from + 1, Math.floor((tenth * parts.length) / TENTHS.length)),
  )
  return of.reduce((sum, ratio) => sum + ratio, 0) / of.length
}

/** How much better each server is than the first, over all streams. */
export function averagePoints(
  report: HitRatioReport,
): { label: string; average: number; worst: number }[] {
  return report.servers.slice(1).map(({ label }, index) => {
    const points = report.streams.map(({ servers }) => pointsOver(servers[0]!, servers[index + 1]!))
    const average = points.reduce((sum, point) => sum + point, 0) / points.length
    return { label, average, worst: Math.min(...points) }
  })
}

function summaryLines(report: HitRatioReport): string[] {
  const first = report.servers[0]?.label ?? ''
  return averagePoints(report).map(
    ({ label, average, worst }) =>
      `${label} against ${first}: ${signed(average)} points on average, ${signed(worst)} where it is least.`,
  )
}

function streamRows({ popularity, memoryMegabytes, servers }: MeasuredStream): string[][] {
  return servers.map((result, index) => {
    const { causes, gets } = result
    const share = (count: number): string => `${((count / gets) * 100).toFixed(2)} %`
    return [
      index === 0 ? popularity : '',
      index === 0 ? String(memoryMegabytes) : '',
      result.label,
      ratio(result.hitRatio),
      ratio(result.steadyHitRatio),
      index === 0 ? '' : signed(pointsOver(servers[0]!, result)),
      formatCount(result.items),
      formatCount(result.evictions),
      `${Math.round(result.residentBytes / MEGABYTE)} MB`,
      share(causes.cold),
      share(causes.evicted),
      share(causes.expired + causes.deleted),
    ]
  })
}

function pointsOver(
  first: { readonly steadyHitRatio: number },
  other: { readonly steadyHitRatio: number },
): number {
  return (other.steadyHitRatio - first.steadyHitRatio) * 100
}

function ratio(value: number): string {
  return `${(value * 100).toFixed(2)} %`
}

function signed(points: number): string {
  return `${points < 0 ? '' : '+'}${points.toFixed(2)}`
}

function complaints(streams: readonly MeasuredStream[]): string[] {
  return streams.flatMap(({ popularity, servers }) =>
    servers
      .filter(({ errors }) => errors > 0)
      .map(
        ({ label, errors, complaints: why }) =>
          `ERRORS of ${label} with ${popularity}: ${errors}: ${why.join('; ')}`,
      ),
  )
}
