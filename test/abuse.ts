// Watches a server while a test abuses it: what another client has of it meanwhile (bystander.ts), and afterwards its
// memory, its descriptors, and whether a thread spins. Knows processes of Linux; nothing of what the abuse is.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { BystanderOptions, BystanderReport } from './bystander.ts'
import { MIB, openDescriptors, residentBytes } from './process-memory.ts'
import { REPOSITORY } from './repository.ts'

/** What a server must be to be watched: a node, the proxy. */
export interface Watched {
  readonly host: string
  readonly port: number
  readonly pid: number
}

export interface WatchOptions {
  /** The port to ask at, if it is another than the server's own, as that of TLS. */
  readonly port?: number
  readonly secure?: boolean
  /** Of the bystander. Default 4. */
  readonly connections?: number
}

/** Of the bystander's requests, in milliseconds. */
export interface Latency {
  readonly requests: number
  readonly median: number
  readonly p99: number
  readonly longest: number
}

/** What the bystander saw in a while. */
export interface Sight extends Latency {
  readonly misses: number
  readonly refusals: number
}

/**
 * "Normal latency" beside a crowd, generous because the crowd shares the processors with the server: so many times
 * what it is when all is quiet, and so many milliseconds.
 */
const TIMES_QUIET = 10
const MEDIAN_MORE_MS = 20
const P99_MORE_MS = 1_500
/** Who asks only when answered asks little while nothing is answered: so the longest wait has a bound of its own. */
const LONGEST_MS = 10_000

/** What a server that is let alone may use of a processor: its clocks, its maintainers, two reports a second. */
const IDLE_SHARE = 0.25
const IDLE_MS = 800
const QUIET_REQUESTS = 400
const REQUESTS_AFTER = 200
const BACK_MS = 20_000
const TICKS_PER_SECOND = 100

export class AbuseWatch implements AsyncDisposable {
  readonly #server: Watched
  readonly #process: ReturnType<typeof fork>
  /** Before anything happened. */
  readonly quiet: Sight
  readonly residentBefore: number
  readonly descriptorsBefore: number

  /** Warm the server up before: what it makes once, it should have made. Needs the build, as all executables do. */
  static async begin(server: Watched, options: WatchOptions = {}): Promise<AbuseWatch> {
    const { port = server.port, secure = false, connections = 4 } = options
    const asked: BystanderOptions = { host: server.host, port, secure, connections }
    const bystander = fork(join(REPOSITORY, 'test/dist/bystander.js'), [JSON.stringify(asked)])
    try {
      await once(bystander, 'message')
      const quiet = await look(bystander, QUIET_REQUESTS)
      return new AbuseWatch(server, bystander, quiet)
    } catch (error) {
      bystander.kill('SIGKILL')
      throw error
    }
  }

  private constructor(server: Watched, bystander: ReturnType<typeof fork>, quiet: Sight) {
    this.#server = server
    this.#process = bystander
    this.quiet = quiet
    this.residentBefore = residentBytes(server.pid)
    this.descriptorsBefore = openDescriptors(server.pid)
  }

  /** Resolves to what the bystander has seen since it was asked last, so many requests at least. */
  look(requests = 1): Promise<Sight> {
    return look(this.#process, requests)
  }

  /**
   * Has the abuse done, and then waits for some requests of the bystander more. Fails if an answer was wrong, or
   * latency was not normal.
   */
  async during(abuse: () => Promise<unknown>): Promise<Sight> {
    await this.look()
    await abuse()
    const sight = await this.look(REQUESTS_AFTER)
    this.expectNormal(sight)
    return sight
  }

  expectNormal(sight: Sight): void {
    const { quiet } = this
    const told = `${JSON.stringify(sight)}, when it was quiet ${JSON.stringify(quiet)}`
    expect(sight.median, `median: ${told}`).toBeLessThan(
      TIMES_QUIET * quiet.median + MEDIAN_MORE_MS,
    )
    expect(sight.p99, `p99: ${told}`).toBeLessThan(TIMES_QUIET * quiet.p99 + P99_MORE_MS)
    expect(sight.longest, `longest: ${told}`).toBeLessThan(LONGEST_MS)
  }

  /** Resident bytes more than before. */
  get grown(): number {
    return residentBytes(this.#server.pid) - this.residentBefore
  }

  /** That it has open now. */
  get descriptors(): number {
    return openDescriptors(this.#server.pid)
  }

  /** Waits until no more than that many bytes more are resident than before. */
  async memoryBack(withinBytes: number): Promise<void> {
    const grown = (): number => Math.round(this.grown / MIB)
    await expect
      .poll(grown, { timeout: BACK_MS, interval: 100, message: 'MiB more than before' })
      .toBeLessThanOrEqual(withinBytes / MIB)
  }

  /** Waits until there are as many descriptors as before; `more` may be new, as of a file that was loaded. */
  async descriptorsBack(more = 0): Promise<void> {
    await expect
      .poll(() => this.descriptors, { timeout: BACK_MS, interval: 50 })
      .toBeLessThanOrEqual(this.descriptorsBefore + more)
  }

  /** Waits for a moment in which no thread is busy, the bystander being still. */
  async calm(): Promise<void> {
    this.#process.kill('SIGSTOP')
    try {
      const busiest = (): Promise<number> => busiestShare(this.#server.pid, IDLE_MS)
      await expect
        .poll(busiest, { timeout: BACK_MS, interval: 1, message: 'share of its busiest thread' })
        .toBeLessThan(IDLE_SHARE)
    } finally {
      this.#process.kill('SIGCONT')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }
}

async function look(bystander: ReturnType<typeof fork>, requests: number): Promise<Sight> {
  const deadline = Date.now() + BACK_MS
  const latencies: number[] = []
  let misses = 0
  let refusals = 0
  for (;;) {
    bystander.send('report')
    const [report] = (await once(bystander, 'message')) as [BystanderReport]
    expect(report.wrong, 'what the bystander was answered').toEqual([])
    latencies.push(...report.latencies)
    misses += report.misses
    refusals += report.refusals
    if (latencies.length >= requests) break
    if (Date.now() > deadline) {
      throw new Error(`the bystander had ${latencies.length} of ${requests} answers in time`)
    }
    await sleep(20)
  }
  return { ...latencyOf(latencies), misses, refusals }
}

function latencyOf(unsorted: readonly number[]): Latency {
  const sorted = [...unsorted].sort((a, b) => a - b)
  const at = (share: number): number =>
    Math.round(100 * (sorted[Math.floor(share * (sorted.length - 1))] ?? 0)) / 100
  return { requests: sorted.length, median: at(0.5), p99: at(0.99), longest: at(1) }
}

/** Which share of a processor the busiest thread of the process uses for so long. */
async function busiestShare(pid: number, ms: number): Promise<number> {
  const before = threadSeconds(pid)
  const begun = performance.now()
  await sleep(ms)
  const after = threadSeconds(pid)
  const passed = (performance.now() - begun) / 1000
  const used = [...after].map(([thread, seconds]) => seconds - (before.get(thread) ?? 0))
  return Math.max(...used) / passed
}

/** CPU seconds of the process so far. */
export function processSeconds(pid: number): number {
  return [...threadSeconds(pid).values()].reduce((sum, seconds) => sum + seconds, 0)
}

function threadSeconds(pid: number): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')
      // The name may hold spaces and parentheses; what follows the last one doesn't.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      seconds.set(thread, (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND)
    } catch {
      // It has ended meanwhile.
    }
  }
  return seconds
}
