// The CPU time that a process has used, user and system together, as Linux accounts it.
// Knows nothing of what the process is.
import { readdirSync, readFileSync } from 'node:fs'
import { BenchError } from '../errors.ts'

export interface CpuTime {
  /** All threads, since the process began. */
  readonly seconds: number
  /** The part spent in user mode, in clock ticks of 10 ms, for the share of user and system. */
  readonly userTicks: number
  readonly systemTicks: number
  /**
   * `schedstat`: the scheduler's own account, in nanoseconds, summed over the threads alive.
   * `stat`: clock ticks of 10 ms, where the kernel keeps no schedstat.
   */
  readonly source: 'schedstat' | 'stat'
}

/** What was used between two readings. */
export interface CpuUse {
  readonly seconds: number
  /** 0 to 1; undefined when less than a few ticks went by. */
  readonly userShare: number | undefined
  readonly source: CpuTime['source']
}

/** USER_HZ: Linux shows ticks of this rate on every architecture, whatever the kernel's own timer does. */
const TICKS_PER_SECOND = 100
/** Fewer say nothing about a share. */
const TICKS_FOR_A_SHARE = 10

/** Throws a {@link BenchError} when there is no such process, or no /proc to read. */
export function readCpuTime(pid: number): CpuTime {
  try {
    const ticks = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    const nanoseconds = threadNanoseconds(pid)
    return nanoseconds === undefined
      ? {
          ...ticks,
          seconds: (ticks.userTicks + ticks.systemTicks) / TICKS_PER_SECOND,
          source: 'stat',
        }
      : { ...ticks, seconds: nanoseconds / 1e9, source: 'schedstat' }
  } catch (cause) {
    const reason =
      process.platform === 'linux'
        ? `there is no process ${pid}`
        : `${process.platform} has no /proc to read it from`
    throw new BenchError('NO_CPU_TIME', `the CPU time of --pid ${pid} cannot be read: ${reason}`, {
      cause,
    })
  }
}

export function cpuUsed(from: CpuTime, to: CpuTime): CpuUse {
  const user = to.userTicks - from.userTicks
  const system = to.systemTicks - from.systemTicks
  return {
    seconds: to.seconds - from.seconds,
    userShare: user + system < TICKS_FOR_A_SHARE ? undefined : user / (user + system),
    source: to.source,
  }
}

/** Fields 14 and 15 of proc(5). The command's name may hold spaces and brackets: count from its end. */
export function parseStat(text: string): { userTicks: number; systemTicks: number } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])]
  if (!Number.isInteger(userTicks) || !Number.isInteger(systemTicks)) {
    throw new TypeError(`not the text of a /proc stat file: ${text.slice(0, 80)}`)
  }
  return { userTicks, systemTicks }
}

/** The first field: nanoseconds on the CPU. */
export function parseSchedstat(text: string): number {
  return Number(/^\d+/.exec(text)?.[0])
}

/** A thread that ends takes its nanoseconds along; the threads of a cache server stay. */
function threadNanoseconds(pid: number): number | undefined {
  try {
    let sum = 0
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      sum += parseSchedstat(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'))
    }
    return sum > 0 ? sum : undefined
  } catch {
    return undefined
  }
}
