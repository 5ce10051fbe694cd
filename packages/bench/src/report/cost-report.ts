// What `memshard-bench cost` has found, as sections of tables: each target beside what was reached.
// Knows how results read; nothing of how they were measured.
import type { AtRest } from '../cost/at-rest.ts'
import type { CostReport } from '../cost/cost.ts'
import type { RatioEntry, RatioRow } from '../cost/cpu-rows.ts'
import type { Garbage } from '../cost/garbage.ts'
import { type Growth, PAUSE_TARGET_MS } from '../cost/growth.ts'
import { ITEMS_HELD_TARGETS, type ItemsHeld } from '../cost/items-held.ts'
import type { Spread } from '../measure/statistics.ts'
import { environmentLines } from './environment.ts'
import { formatCount, formatMicroseconds, formatRatio, significant } from './format.ts'
import type { Section } from './section.ts'

export function costSections(report: CostReport): Section[] {
  const { items, idle, start, growth, garbage } = report
  return [
    settingSection(report),
    ...(report.rows.length > 0 ? [ratioSection(report.rows, report)] : []),
    ...(items ? [itemsSection(items)] : []),
    ...(idle ? [atRestSection('Resident memory at idle (RSS)', idle)] : []),
    ...(start ? [atRestSection('From launch to the first answer', start)] : []),
    ...(growth ? [growthSection(growth)] : []),
    ...(garbage ? [garbageSection(garbage)] : []),
  ]
}

/** The setting; what the numbers of a table mean is said below each. */
function settingSection({
  environment,
  setting,
  prioritized,
  minutes,
  complete,
}: CostReport): Section {
  const { placement, servers, rounds, roundMs } = setting
  return {
    title: 'Setting',
    lines: [
      ...environmentLines(environment),
      placement
        ? `servers on core ${placement.server}, load on core ${placement.load}${prioritized ? ', both before other processes (nice -15)' : ''}`
        : 'servers and load are not pinned to cores',
      ...servers.map(
        ({ label, version, transport }) =>
          `${label}: ${version}${transport === undefined ? '' : `, ${transport === 'uring' ? 'io_uring' : transport}`}`,
      ),
      `${rounds} alternating rounds of ${significant(roundMs / 1e3)} s; ${significant(minutes)} minutes in all`,
      ...(complete ? [] : ['INTERRUPTED: what was not finished is missing']),
    ],
  }
}

function ratioSection(rows: readonly RatioRow[], { setting }: CostReport): Section {
  const cliff = connectionsLine(rows)
  const complaints = new Set(
    rows.flatMap(({ title, entries }) =>
      entries.flatMap((entry) => entry.complaints.map((complaint) => `${title}, ${complaint}`)),
    ),
  )
  const marked = (mark: string): boolean =>
    rows.some(({ entries }) => entries.some(({ marks }) => marks.some((other) => other === mark)))
  return {
    title: `Cost of a request against ${setting.servers[0]?.label}`,
    table: {
      head: [
        'workload',
        'server',
        'verdict',
        'ratio',
        'target',
        'low-high',
        'own',
        'other',
        'marks',
        'also',
      ],
      rows: rows.flatMap((row) => row.entries.map((entry, index) => ratioCells(row, entry, index))),
      nameColumns: 3,
    },
    lines: [
      'ratio: median of the rounds; own and other: medians of the server and of what it is held against. CPU is user and system time of the server process per key, in microseconds; latency is in microseconds too.',
      ...(cliff ? [cliff] : []),
      ...[...complaints].map((complaint) => `ERRORS: ${complaint}.`),
      ...(marked('noise') ? ['noise: the rounds lie on both sides of 1.'] : []),
      ...(marked('generator')
        ? [
            'generator: it used over 90 % of its core, so the server was not always busy: rounds of its loop are then small and wake-ups many, which costs both alike and draws the ratio towards 1.',
          ]
        : []),
      ...(rows.some(({ name }) => name === 'threads' || name === 'latency')
        ? [
            'latency, -t 4: half of the peak throughput of the first server, requests at random moments, latency from when they were due. -t 4 against -t 1 is each server against itself, its threads on all cores, after 4 s of the same load.',
          ]
        : []),
    ],
  }
}

function ratioCells(row: RatioRow, entry: RatioEntry, index: number): string[] {
  const value = row.unit === 'us' ? formatMicroseconds : significant
  return [
    index === 0 ? row.title : '',
    entry.label,
    verdict(entry),
    formatRatio(entry.ratio.median),
    entry.target === undefined ? '' : formatRatio(entry.target),
    `${formatRatio(entry.ratio.low)}-${formatRatio(entry.ratio.high)}`,
    value(entry.own),
    value(entry.other),
    entry.marks.join(' '),
    entry.also,
  ]
}

/** As near as the table's two digits tell. */
function verdict({ ratio, target }: RatioEntry): string {
  if (target === undefined) return ''
  return Number(formatRatio(ratio.median)) <= target ? 'met' : 'not met'
}

/** Whether there is a cliff between the two numbers of connections. */
function connectionsLine(rows: readonly RatioRow[]): string | undefined {
  const [fewer, more] = ['conns-1000', 'conns-10000'].map((name) =>
    rows.find((row) => row.name === name),
  )
  if (!fewer || !more) return undefined
  const growths = fewer.entries.flatMap((entry) => {
    const later = more.entries.find(({ label }) => label === entry.label)
    return later
      ? [
          [entry.against, later.other / entry.other] as const,
          [entry.label, later.own / entry.own] as const,
        ]
      : []
  })
  const told = [...new Map(growths)].map(([label, growth]) => `${label} ${formatRatio(growth)}`)
  return `from 1,000 to 10,000 connections the cost of a get becomes so many times as high: ${told.join(', ')}.`
}

function itemsSection({ labels, sizes, memoryMegabytes, keyBytes }: ItemsHeld): Section {
  const ratios = sizes.map(({ items }) => items[1]! / items[0]!)
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length
  const fewest = Math.min(...ratios)
  const { each, mean: meanTarget } = ITEMS_HELD_TARGETS
  return {
    title: `Items held at -m ${memoryMegabytes}, keys of ${keyBytes} B`,
    table: {
      head: ['value', ...labels, 'ratio'],
      rows: sizes.map(({ valueBytes, items }, index) => [
        `${formatCount(valueBytes)} B`,
        ...items.map(formatCount),
        ratios[index]!.toFixed(3),
      ]),
      nameColumns: 1,
    },
    lines: [
      `never fewer: ${fewest >= each ? 'met' : `not met (${fewest.toFixed(3)})`}; mean ratio ${mean.toFixed(3)}, target ${meanTarget}: ${mean >= meanTarget ? 'met' : 'not met'}.`,
    ],
  }
}

function atRestSection(title: string, rows: readonly AtRest[]): Section {
  return {
    title,
    table: {
      head: ['flags', 'server', 'verdict', 'median', 'target', 'low-high', 'also'],
      rows: rows.flatMap(({ flags, target, unit, servers }) =>
        servers.map(({ label, value, also }, index) => [
          index === 0 ? flags || 'none' : '',
          label,
          index === 0 ? '' : value.median < target ? 'met' : 'not met',
          `${significant(value.median)} ${unit}`,
          index === 0 ? '' : `${target} ${unit}`,
          `${significant(value.low)}-${significant(value.high)}`,
          also,
        ]),
      ),
      nameColumns: 3,
    },
    lines: [],
  }
}

interface GrowthOfCost {
  /** In microseconds. */
  readonly more: number
  readonly times: number
}

function growthSection({
  labels,
  sizes,
  fill,
  depth,
  valueBytes,
  memoryMegabytes,
}: Growth): Section {
  const first = sizes[0]!
  const last = sizes.at(-1)!
  const costs = (spreads: readonly Spread[], base: readonly Spread[]): string[] =>
    spreads.map(
      ({ median }, index) =>
        `${significant(median)} (${formatRatio(median / base[index]!.median)})`,
    )
  // What is cheap grows by a large factor of little: both are told.
  const verdictOf = (name: 'get' | 'set'): string => {
    const [theirs, ours] = last[name].map(({ median }, index) => {
      const before = first[name][index]!.median
      return { more: median - before, times: median / before }
    }) as [GrowthOfCost, GrowthOfCost]
    const told = ({ more, times }: GrowthOfCost): string =>
      `${significant(more)} us more (${formatRatio(times)} times as much)`
    const met = (is: boolean): string => (is ? 'met' : 'not met')
    return (
      `${name}: from ${formatCount(first.items)} to ${formatCount(last.items)} items ${labels[0]} costs ${told(theirs)}, ` +
      `${labels[1]} ${told(ours)}: ${met(ours.more <= theirs.more)} in time, ${met(ours.times <= theirs.times)} as a factor.`
    )
  }
  const ourPauseMs = fill[1]!.max / 1e3
  return {
    title: 'Growth',
    table: {
      head: [
        'items',
        ...labels.map((label) => `${label} get`),
        ...labels.map((label) => `${label} set`),
      ],
      rows: sizes.map(({ items, get, set }) => [
        formatCount(items),
        ...costs(get, first.get),
        ...costs(set, first.set),
      ]),
      nameColumns: 1,
    },
    lines: [
      `CPU us/op, and in brackets against the first line; ${depth} pipelined, values of ${valueBytes} B, -m ${memoryMegabytes}, both servers side by side.`,
      verdictOf('get'),
      verdictOf('set'),
      ...fill.map(
        ({ p50, p9999, max }, index) =>
          `while ${labels[index]} was filled, a batch of 64 sets took ${formatMicroseconds(p50)} (p50), ${formatMicroseconds(p9999)} (p99.99), ${formatMicroseconds(max)} at most.`,
      ),
      `no pause over ${PAUSE_TARGET_MS} ms: ${ourPauseMs <= PAUSE_TARGET_MS ? 'met' : 'not met, if it is the server that paused and not the machine'}.`,
    ],
  }
}

function garbageSection(found: readonly Garbage[]): Section {
  return {
    title: 'Garbage',
    table: {
      head: [
        'server',
        'verdict',
        'requests',
        'collections in the worker',
        'heap before',
        'heap after',
        'bytes per request',
      ],
      rows: found.map((garbage) => {
        const { workerCollections, heapBytesBefore, heapBytesAfter, requests, errors } = garbage
        return [
          garbage.label,
          workerCollections.length === 0 && errors === 0 ? 'met' : 'not met',
          formatCount(requests),
          String(workerCollections.length),
          `${significant(heapBytesBefore / 1e6)} MB`,
          `${significant(heapBytesAfter / 1e6)} MB`,
          workerCollections.length === 0
            ? significant((heapBytesAfter - heapBytesBefore) / requests)
            : '',
        ]
      }),
      nameColumns: 2,
    },
    lines: [
      'Mixed requests of the text and binary protocols after a warm-up and a collection, under `node --trace-gc`; the main thread, which serves nobody, is told apart by a collection that it is asked for.',
      ...found.flatMap(({ label, errors, workerCollections, mainCollections }) => [
        `${label}: the main thread collected ${mainCollections} times meanwhile.`,
        ...(errors > 0
          ? [`${label}: ERRORS, ${formatCount(errors)} wrong or missing answers.`]
          : []),
        ...workerCollections
          .slice(0, 1)
          .map((line) => `${label}, the first in the worker: ${line.trim()}`),
      ]),
    ],
  }
}
