// What a server costs before anyone asks anything: the time until it answers, and resident memory.
// Knows processes; no load.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Spread, spreadOf } from '../measure/statistics.ts'
import { type ServerCommand, startServer } from '../servers.ts'
import type { CostSetting, Progress } from './setting.ts'

export interface AtRest {
  readonly flags: string
  readonly target: number
  readonly unit: 'MB' | 'ms'
  readonly servers: readonly {
    readonly label: string
    readonly value: Spread
    readonly also: string
  }[]
}

const IDLE = [
  { flags: '-t 1', target: 70 },
  { flags: '-t 4', target: 90 },
]
const START = [
  { flags: '', target: 300 },
  { flags: '-m 16384', target: 300 },
]
/** A moment in which a server that has started may finish what it does in the background. */
const REST_MS = 2_000
const MEGABYTE = 1e6

/** Megabytes of 10^6 bytes that are resident when a server has started and rested. */
export async function measureIdleMemory(
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<AtRest[] | undefined> {
  const rows: AtRest[] = []
  for (const { flags, target } of IDLE) {
    const servers = []
    for (const server of setting.servers) {
      progress(`idle memory with ${flags}: ${server.label}`)
      const readings: MemoryUse[] = []
      for (let round = 0; round < (setting.quick ? 1 : 3); round++) {
        await using running = await startServer(server, flags.split(' '), setting.placement?.all)
        await sleep(setting.quick ? 0 : REST_MS)
        readings.push(readMemory(running.pid))
        if (signal.aborted) return undefined
      }
      const shared = spreadOf(readings.map((reading) => reading.proportional / MEGABYTE)).median
      servers.push({
        label: server.label,
        value: spreadOf(readings.map((reading) => reading.resident / MEGABYTE)),
        also: `PSS ${shared.toFixed(1)} MB`,
      })
    }
    rows.push({ flags, target, unit: 'MB', servers })
  }
  return rows
}

/** Milliseconds from launching the executable to the first answer. */
export async function measureStart(
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<AtRest[] | undefined> {
  const rows: AtRest[] = []
  for (const { flags, target } of START) {
    const times = new Map<ServerCommand, number[]>(setting.servers.map((server) => [server, []]))
    for (let round = 0; round < setting.rounds; round++) {
      for (const server of setting.servers) {
        progress(`start ${flags}, round ${round + 1} of ${setting.rounds}: ${server.label}`)
        const args = flags.split(' ').filter((flag) => flag !== '')
        await using running = await startServer(server, args, setting.placement?.all)
        times.get(server)?.push(running.readyAfterMs)
        if (signal.aborted) return undefined
      }
    }
    const servers = [...times].map(([{ label }, values]) => ({
      label,
      value: spreadOf(values),
      also: '',
    }))
    rows.push({ flags, target, unit: 'ms', servers })
  }
  return rows
}

interface MemoryUse {
  /** RSS: pages that are in memory, shared with other processes or not. */
  readonly resident: number
  /** PSS: shared pages divided by those who share them. */
  readonly proportional: number
}

function readMemory(pid: number): MemoryUse {
  const kilobytes = (file: string, field: string): number => {
    const text = readFileSync(`/proc/${pid}/${file}`, 'latin1')
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024
  }
  return {
    resident: kilobytes('status', 'VmRSS'),
    proportional: kilobytes('smaps_rollup', 'Pss'),
  }
}
