// One target being fuzzed in a thread of its own, so that an input on which it hangs can still be told. Shows how it
// goes in shared memory, and says at the end what came of it.
import { parentPort, workerData } from 'node:worker_threads'
import {
  EXECUTIONS,
  type FuzzResult,
  type FuzzWork,
  INPUT_LENGTH,
  STATE_BYTES,
} from './fuzz-state.ts'
import { Fuzzer } from './fuzzer.ts'
import { type Branch, InstrumentedPackages } from './instrumented-package.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'

const { target, plan, planted, known, state }: FuzzWork = workerData
const numbers = new Int32Array(state, 0, 2)
const current = new Uint8Array(state, STATE_BYTES)
const packages = new InstrumentedPackages(planted)
const loaded = await loadTarget()
// What is run once, before any input.
const atStart = packages.counters.slice()
const fuzzer = new Fuzzer(loaded, packages.counters, (input) => {
  current.set(input)
  numbers[INPUT_LENGTH] = input.length
  Atomics.add(numbers, EXECUTIONS, 1)
})
const outcome = fuzzer.run(known, plan)
const isMeant = ({ module }: Branch): boolean => loaded.modules.some((m) => m.test(module))
const meant = [...packages.branches.entries()].filter(([, branch]) => isMeant(branch))
const missed = meant
  .filter(([counter]) => atStart[counter] === 0 && !fuzzer.reached(counter))
  .map(([, branch]) => branch)
parentPort?.postMessage({ ...outcome, branches: meant.length, missed } satisfies FuzzResult)

/** The copies are not needed once they are loaded, and this thread may be terminated at any time. */
async function loadTarget(): Promise<Target> {
  using _ = packages
  return await TARGETS[target](packages)
}
