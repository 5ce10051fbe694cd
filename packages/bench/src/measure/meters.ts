// What the processes of a measurement use: the servers' CPU time and memory, and the generator's own.
// Knows nothing of the load.
import { readFileSync } from 'node:fs'
import { type CpuTime, type CpuUse, cpuUsed, readCpuTime } from './cpu-time.ts'
import type { ProcessUse } from './interval.ts'

export interface CpuCost {
  readonly microsecondsPerOperation: number
  /** Of one core. */
  readonly load: number
  /** 0 to 1, of the CPU time. */
  readonly userShare: number | undefined
  readonly source: CpuUse['source'] | 'getrusage'
}

export interface MeterReading {
  readonly milliseconds: number
  /** In the order of the processes; undefined for one that has ended. */
  readonly servers: readonly (ServerReading | undefined)[]
  readonly generator: NodeJS.CpuUsage
}

interface ServerReading {
  readonly cpu: CpuTime
  readonly residentBytes: number
}

export class Meters {
  readonly #pids: readonly number[]

  constructor(pids: readonly number[]) {
    this.#pids = pids
  }

  read(): MeterReading {
    return {
      servers: this.#pids.map(readServer),
      generator: process.cpuUsage(),
      milliseconds: performance.now(),
    }
  }

  use(
    before: MeterReading,
    after: MeterReading,
  ): { server: ProcessUse | undefined; generator: ProcessUse } {
    const seconds = secondsBetween(before, after)
    const servers = serversUsed(before, after)
    return {
      server: servers && {
        load: servers.seconds / seconds,
        residentBytes: after.servers.reduce((sum, server) => sum + (server?.residentBytes ?? 0), 0),
      },
      generator: {
        load: generatorMicroseconds(before, after).all / 1e6 / seconds,
        residentBytes: process.memoryUsage.rss(),
      },
    }
  }

  serverCost(before: MeterReading, after: MeterReading, operations: number): CpuCost | undefined {
    const used = serversUsed(before, after)
    return (
      used && {
        microsecondsPerOperation: (used.seconds * 1e6) / operations,
        load: used.seconds / secondsBetween(before, after),
        userShare: used.userShare,
        source: used.source,
      }
    )
  }

  generatorCost(before: MeterReading, after: MeterReading, operations: number): CpuCost {
    const { user, all } = generatorMicroseconds(before, after)
    return {
      microsecondsPerOperation: all / operations,
      load: all / 1e6 / secondsBetween(before, after),
      userShare: all === 0 ? undefined : user / all,
      source: 'getrusage',
    }
  }
}

/** NaN where it is not known. Throws when there is no such process. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** A server that has died since the run began shows as lost connections, not as a wrong --pid. */
function readServer(pid: number): ServerReading | undefined {
  try {
    return { cpu: readCpuTime(pid), residentBytes: residentBytes(pid) }
  } catch {
    return undefined
  }
}

/** Of all processes together; undefined where there is none, or one of them has ended. */
function serversUsed(before: MeterReading, after: MeterReading): CpuUse | undefined {
  const uses: CpuUse[] = []
  for (const [index, to] of after.servers.entries()) {
    const from = before.servers[index]
    if (!from || !to) return undefined
    uses.push(cpuUsed(from.cpu, to.cpu))
  }
  const [first, ...others] = uses
  if (!first || others.length === 0) return first
  const seconds = uses.reduce((sum, use) => sum + use.seconds, 0)
  const userSeconds = uses.reduce((sum, use) => sum + use.seconds * (use.userShare ?? 0), 0)
  return { seconds, userShare: userSeconds / seconds, source: first.source }
}

function secondsBetween(before: MeterReading, after: MeterReading): number {
  return (after.milliseconds - before.milliseconds) / 1e3
}

function generatorMicroseconds(
  before: MeterReading,
  after: MeterReading,
): { user: number; all: number } {
  const user = after.generator.user - before.generator.user
  return { user, all: user + after.generator.system - before.generator.system }
}
