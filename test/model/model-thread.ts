// Sequences of operations run against the cache and the model of one, in a thread of its own, so that one on which the
// cache hangs can still be told. Shows how many it has run in shared memory, and says at the end what came of it.
import { parentPort, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { type Change, CopiedCache } from './copied-cache.ts'

/** How many sequences of a scenario are run before the next one's turn. */
export const BATCH = 25

export interface ModelWork {
  /** The names of scenarios; all if none is named. */
  readonly scenarios: readonly string[]
  readonly seed: number
  readonly sequences: number
  readonly seconds: number
  readonly planted: readonly Change[]
  /** One number: sequences begun. */
  readonly state: SharedArrayBuffer
}

export interface ModelResult {
  readonly sequences: number
  readonly operations: number
  readonly evictions: number
  readonly pagesMoved: number
  readonly defect: ModelDefect | undefined
}

export interface ModelDefect {
  readonly scenario: string
  /** With which the first batch of the scenario shows it. */
  readonly seed: number
  readonly message: string
  /** The operations that show it. */
  readonly sequence: string
}

/** What of the package's modules for tests is used here, whose declarations are not published. */
interface ScenariosModule {
  readonly SCENARIOS: readonly Scenario[]
  runScenario(scenario: Scenario, sequence: readonly unknown[]): Trial
}

interface Scenario {
  readonly name: string
  readonly sequences: fc.Arbitrary<unknown[]>
}

interface Trial {
  readonly evictions: number
  readonly pagesMoved: number
}

if (parentPort !== null) parentPort.postMessage(await run(workerData))

async function run(work: ModelWork): Promise<ModelResult> {
  const { SCENARIOS, runScenario } = await load(work.planted)
  const scenarios = SCENARIOS.filter(
    ({ name }) => work.scenarios.length === 0 || work.scenarios.includes(name),
  )
  const begun = new Int32Array(work.state)
  const figures = { sequences: 0, operations: 0, evictions: 0, pagesMoved: 0 }
  const end = performance.now() + work.seconds * 1000
  const goesOn = (): boolean => figures.sequences < work.sequences && performance.now() < end
  for (let round = 0; goesOn(); round++) {
    for (const scenario of scenarios) {
      if (!goesOn()) break
      const seed = (work.seed + round) | 0
      const property = fc.property(scenario.sequences, (sequence) => {
        Atomics.add(begun, 0, 1)
        const trial = runScenario(scenario, sequence)
        figures.sequences++
        figures.operations += sequence.length
        figures.evictions += trial.evictions
        figures.pagesMoved += trial.pagesMoved
      })
      // What is known to be wrong needs no shortest sequence.
      const endOnFailure = work.planted.length > 0
      const details = fc.check(property, { seed, numRuns: BATCH, endOnFailure })
      if (!details.failed) continue
      const sequence = fc.stringify(details.counterexample)
      const error = details.errorInstance
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      return { ...figures, defect: { scenario: scenario.name, seed, message, sequence } }
    }
  }
  return { ...figures, defect: undefined }
}

/** The copies are not needed once they are loaded, and this thread may be terminated at any time. */
async function load(planted: readonly Change[]): Promise<ScenariosModule> {
  using cache = new CopiedCache(planted)
  return await cache.load<ScenariosModule>('model-scenarios.js')
}
