// A run: nodes in networks of their own, processes that load them, and faults until the time is over; then everything has
// to be well. Knows the order of events; what a fault is, what load is and what is wrong stand elsewhere.
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { copyFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ChaosNode } from './chaos-node.ts'
import { ChaosProxy } from './chaos-proxy.ts'
import { FAULTS, type Fault, type Membership } from './faults.ts'
import { type LoadPlan, type LoadReport, PROXY, type ToLoad } from './messages.ts'
import { type Carried, PacketLink } from './packet-link.ts'
import { between, oneOf, randomFrom } from './random.ts'
import { type Growth, Samples } from './samples.ts'

export interface Plan {
  readonly seconds: number
  readonly seed: number
  readonly nodes: number
}

export interface Outcome {
  readonly faults: Readonly<Record<string, number>>
  readonly loads: readonly LoadReport[]
  readonly growth: readonly Growth[]
  /** By the links that can have weather, if such can be made here. */
  readonly packets: Carried | undefined
  /** What nodes did that they must not. */
  readonly failures: readonly string[]
}

const QUIET_SECONDS = 3
/** After the last fault, for connections to be there again. */
const RECOVERY_SECONDS = 6

export async function runChaos(plan: Plan): Promise<Outcome> {
  await using run = await Run.create(plan)
  return await run.outcome()
}

class Run implements AsyncDisposable, Membership {
  readonly #plan: Plan
  readonly #directory: string
  readonly #random: () => number
  readonly #nodes: ChaosNode[] = []
  readonly #listed = new Set<ChaosNode>()
  readonly #ill = new Set<ChaosNode>()
  readonly #loads: ChildProcess[] = []
  readonly #proxy: ChaosProxy
  readonly #faults: Record<string, number> = {}
  readonly #failures: string[] = []
  readonly #samples = new Map<string, Samples>()
  #list = 0

  private constructor(plan: Plan, directory: string) {
    this.#plan = plan
    this.#directory = directory
    this.#random = randomFrom(plan.seed)
    this.#proxy = new ChaosProxy(this.#listOfAll)
  }

  static async create(plan: Plan): Promise<Run> {
    const run = new Run(plan, await ownDirectory())
    const canHaveWeather = PacketLink.isPossible
    try {
      for (let number = 0; number < plan.nodes; number++) {
        const options = {
          number,
          threads: 1 + (number % 2),
          hasMemoryFile: number % 2 === 0,
          hasWeather: canHaveWeather && number % 5 > 1,
        }
        const node = await ChaosNode.create({ ...options, directory: run.#directory })
        run.#nodes.push(node)
        run.#listed.add(node)
      }
      await run.#writeList()
      await copyFile(run.#file, run.#listOfAll)
      await run.#proxy.start()
    } catch (error) {
      await run[Symbol.asyncDispose]()
      throw error
    }
    return run
  }

  async outcome(): Promise<Outcome> {
    const reports = (['miss', 'rehash', 'error'] as const).map((onNodeDown, i) =>
      this.#load({ name: onNodeDown, seed: this.#plan.seed + i, nodes: this.#file, onNodeDown }),
    )
    reports.push(
      this.#load({
        ...{ name: 'miss-through-proxy', seed: this.#plan.seed + reports.length },
        ...{ nodes: this.#listOfAll, onNodeDown: 'miss', proxy: this.#proxy.address },
      }),
    )
    // Only what ends the run first is told.
    for (const report of reports) report.catch(() => {})
    const sampling = setInterval(() => this.#sample(), 1000)
    try {
      await sleep(QUIET_SECONDS * 1000)
      await Promise.all([this.#injectFaults(), this.#injectFaultsOfProxy()])
      await sleep(RECOVERY_SECONDS * 1000)
    } finally {
      clearInterval(sampling)
    }
    this.#tell({ kind: 'finish' })
    const loads = await Promise.all(reports)
    const crashes = [...this.#nodes, this.#proxy].flatMap(({ crashes }) => crashes)
    const growth = [...this.#samples.values()].map((samples) => samples.growth)
    return {
      faults: this.#faults,
      loads,
      growth: growth.filter((each) => each !== undefined),
      packets: await this.#packets(),
      failures: [...this.#failures, ...crashes],
    }
  }

  async #injectFaults(): Promise<void> {
    const until = performance.now() + this.#plan.seconds * 1000
    const underWay = new Set<Promise<void>>()
    while (performance.now() < until) {
      const well = this.#nodes.filter((node) => !this.#ill.has(node))
      // Some are left, or there is nothing to see.
      if (well.length > this.#nodes.length / 2) {
        const node = oneOf(this.#random, well)
        const fault = this.#draw(node)
        const happening = this.#happen(fault, node).finally(() => underWay.delete(happening))
        underWay.add(happening)
      }
      await sleep(between(this.#random, 300, 4000))
    }
    await Promise.all(underWay)
  }

  async #injectFaultsOfProxy(): Promise<void> {
    const random = randomFrom(this.#plan.seed + 1)
    const until = performance.now() + this.#plan.seconds * 1000
    for (;;) {
      await sleep(between(random, 8_000, 25_000))
      if (performance.now() > until) return
      this.#tell({ kind: 'fault', node: PROXY })
      await sleep(50)
      const kind = await this.#proxy.suffer(random)
      this.#tell({ kind: 'well', node: PROXY })
      this.#faults[kind] = (this.#faults[kind] ?? 0) + 1
    }
  }

  #draw(node: ChaosNode): Fault {
    const suiting = FAULTS.filter(({ suits }) => suits?.(node) ?? true)
    return oneOf(
      this.#random,
      suiting.flatMap((fault) => Array<Fault>(fault.weight).fill(fault)),
    )
  }

  async #happen(fault: Fault, node: ChaosNode): Promise<void> {
    this.#ill.add(node)
    this.#faults[fault.kind] = (this.#faults[fault.kind] ?? 0) + 1
    this.#tell({ kind: 'fault', node: node.name })
    // Told before it happens.
    await sleep(50)
    try {
      await fault.happen(node, this.#random, this)
    } catch (error) {
      this.#failures.push(
        `${fault.kind}: ${error instanceof Error ? error.message : String(error)}`,
      )
    } finally {
      this.#tell({ kind: 'well', node: node.name })
      this.#ill.delete(node)
    }
  }

  async remove(node: ChaosNode): Promise<void> {
    this.#listed.delete(node)
    await this.#writeList()
  }

  async add(node: ChaosNode): Promise<void> {
    this.#listed.add(node)
    await this.#writeList()
  }

  async #packets(): Promise<Carried | undefined> {
    const counts = this.#nodes.flatMap(({ weather }) => weather?.clear() ?? [])
    const links = await Promise.all(counts)
    if (links.length === 0) return undefined
    const sum = (of: keyof Carried): number => links.reduce((all, link) => all + link[of], 0)
    return { carried: sum('carried'), lost: sum('lost'), twice: sum('twice'), late: sum('late') }
  }

  get #file(): string {
    return join(this.#directory, 'nodes')
  }

  /** Those of the proxy, which stay. */
  get #listOfAll(): string {
    return join(this.#directory, 'all-nodes')
  }

  async #writeList(): Promise<void> {
    const written = join(this.#directory, `nodes.${this.#list++}`)
    await writeFile(written, [...this.#listed].map(({ line }) => `${line}\n`).join(''))
    await rename(written, this.#file)
  }

  #load(plan: LoadPlan): Promise<LoadReport> {
    const program = fileURLToPath(new URL('./load.js', import.meta.url))
    const child = fork(program, [JSON.stringify(plan)], { stdio: 'inherit' })
    this.#loads.push(child)
    return new Promise((resolve, reject) => {
      child.once('message', (report) => resolve(report as LoadReport))
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        reject(new Error(`the load ${plan.name} ended with ${signal ?? code}`))
      })
    })
  }

  #tell(message: ToLoad): void {
    for (const load of this.#loads) if (load.connected) load.send(message)
  }

  #sample(): void {
    const of = (name: string, pid: number | undefined): void => {
      let samples = this.#samples.get(name)
      if (samples === undefined) {
        samples = new Samples(name)
        this.#samples.set(name, samples)
      }
      samples.take(pid)
    }
    for (const [i, load] of this.#loads.entries()) of(`client ${i}`, load.pid)
    for (const node of this.#nodes) of(node.name, node.pid)
    of('proxy', this.#proxy.pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const load of this.#loads) load.kill('SIGKILL')
    await this.#proxy[Symbol.asyncDispose]()
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()))
  }
}

/** On a file system that ends with the namespace for mounts that this process is in. */
async function ownDirectory(): Promise<string> {
  await promisify(execFile)('mount', ['-t', 'tmpfs', 'memshard-chaos', '/mnt'])
  return '/mnt'
}
