// A run: nodes in networks of their own, processes that load them, and faults until the time is over; then everything has
// to be well. Knows the order of events; what a fault is, what load is and what is wrong stand elsewhere.
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ChaosNode } from './chaos-node.ts'
import { FAULTS, type Fault, type Membership } from './faults.ts'
import type { LoadPlan, LoadReport, ToLoad } from './messages.ts'
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
  readonly #faults: Record<string, number> = {}
  readonly #failures: string[] = []
  readonly #samples = new Map<string, Samples>()
  #list = 0

  private constructor(plan: Plan, directory: string) {
    this.#plan = plan
    this.#directory = directory
    this.#random = randomFrom(plan.seed)
  }

  static async create(plan: Plan): Promise<Run> {
    const run = new Run(plan, await mkdtemp(join(tmpdir(), 'memshard-chaos-')))
    try {
      for (let number = 0; number < plan.nodes; number++) {
        const options = { number, threads: 1 + (number % 2), hasMemoryFile: number % 2 === 0 }
        const node = await ChaosNode.create({ ...options, directory: run.#directory })
        run.#nodes.push(node)
        run.#listed.add(node)
      }
      await run.#writeList()
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
    const sampling = setInterval(() => this.#sample(), 1000)
    try {
      await sleep(QUIET_SECONDS * 1000)
      await this.#injectFaults()
      await sleep(RECOVERY_SECONDS * 1000)
    } finally {
      clearInterval(sampling)
    }
    this.#tell({ kind: 'finish' })
    const loads = await Promise.all(reports)
    const crashes = this.#nodes.flatMap((node) => node.crashes)
    const growth = [...this.#samples.values()].map((samples) => samples.growth)
    return {
      faults: this.#faults,
      loads,
      growth: growth.filter((each) => each !== undefined),
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

  get #file(): string {
    return join(this.#directory, 'nodes')
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
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const load of this.#loads) load.kill('SIGKILL')
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()))
    await rm(this.#directory, { recursive: true, force: true })
  }
}
