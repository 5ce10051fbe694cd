// What `memshard-bench clients` has found, as sections of tables: ours against the best of the others, and
// every client's numbers. Knows how results read; nothing of how they were measured.
import type { ClientEntry, ClientsReport, ClientsRow } from '../clients/measure-clients.ts'
import type { Spread } from '../measure/statistics.ts'
import { environmentLines } from './environment.ts'
import { formatCount, formatRatio, significant } from './format.ts'
import type { Section } from './section.ts'

export function clientsSections(report: ClientsReport): Section[] {
  return [settingSection(report), verdictSection(report.rows), numbersSection(report.rows)]
}

function settingSection(report: ClientsReport): Section {
  const { environment, server, clients, placement, prioritized, rounds, roundMs } = report
  return {
    title: 'Setting of the clients',
    lines: [
      ...environmentLines(environment),
      `nodes: ${server.label} ${server.version}, one thread each`,
      placement
        ? `nodes on core ${placement.server}, clients on core ${placement.load}${prioritized ? ', both before other processes (nice -15)' : ''}`
        : 'nodes and clients are not pinned to cores',
      ...clients.map(({ package: name, version, settings }) => `${name} ${version}: ${settings}`),
      `each client in a process of its own, ${rounds} alternating rounds of ${significant(roundMs / 1e3)} s; ${significant(report.minutes)} minutes in all`,
      ...(report.complete ? [] : ['INTERRUPTED: what was not finished is missing']),
    ],
  }
}

type Measure = 'cpu' | 'throughput'

function verdictSection(rows: readonly ClientsRow[]): Section {
  return {
    title: 'memshard against the best of the others',
    table: {
      head: ['workload', 'of', 'best of the others', 'verdict', 'times', 'target', 'low-high'],
      rows: rows.flatMap((row) =>
        (['cpu', 'throughput'] as const).flatMap((measure, index) => {
          const best = bestOfOthers(row, measure)
          const times = best?.timesOurs?.[measure]
          if (best === undefined || times === undefined) return []
          return [
            [
              index === 0 ? row.workload.title : '',
              measure === 'cpu' ? 'CPU' : 'throughput',
              best.client,
              verdict(times, row.workload.target),
              formatRatio(times.median),
              formatRatio(row.workload.target),
              `${formatRatio(times.low)}-${formatRatio(times.high)}`,
            ],
          ]
        }),
      ),
      nameColumns: 4,
    },
    lines: [
      'times: how many times as much CPU time the best of the others takes per key, or how many times its throughput ours has; median of the rounds, which are compared one by one. Above 1, ours is better.',
      'level: the rounds lie on both sides of 1, and the target is not to be behind.',
    ],
  }
}

/** As near as the table's two digits tell. */
function verdict(times: Spread, target: number): string {
  if (Number(formatRatio(times.median)) >= target) return 'met'
  return target === 1 && times.high >= 1 ? 'level' : 'not met'
}

function bestOfOthers({ entries }: ClientsRow, measure: Measure): ClientEntry | undefined {
  const others = entries.filter(({ timesOurs, easier }) => timesOurs && easier === '')
  const rank = (entry: ClientEntry): number =>
    measure === 'cpu' ? entry.cpu.median : -entry.operationsPerSecond.median
  return others.toSorted((a, b) => rank(a) - rank(b))[0]
}

function numbersSection(rows: readonly ClientsRow[]): Section {
  const wrong = rows.flatMap(({ workload, entries }) =>
    entries
      .filter((entry) => entry.wrong > 0)
      .map((entry) => `ERRORS: ${workload.title}, ${entry.client}: ${entry.wrong} wrong answers.`),
  )
  return {
    title: 'Every client',
    table: {
      head: ['workload', 'client', 'CPU us/key', 'low-high', 'keys/s', 'low-high', 'CPU', 'keys/s'],
      rows: rows.flatMap(({ workload, entries }) =>
        entries.map(({ client, easier, cpu, operationsPerSecond, timesOurs }, index) => [
          index === 0 ? workload.title : '',
          easier === '' ? client : `${client} (${easier})`,
          significant(cpu.median),
          `${significant(cpu.low)}-${significant(cpu.high)}`,
          formatCount(operationsPerSecond.median),
          `${formatCount(operationsPerSecond.low)}-${formatCount(operationsPerSecond.high)}`,
          timesOurs ? formatRatio(timesOurs.cpu.median) : '',
          timesOurs ? formatRatio(1 / timesOurs.throughput.median) : '',
        ]),
      ),
      nameColumns: 2,
    },
    lines: [
      'CPU: user and system time of the whole process, the client and its callers. The last two columns are multiples of ours.',
      'Every value was stored and read back byte by byte first; during the rounds its length is checked.',
      ...wrong,
    ],
  }
}
