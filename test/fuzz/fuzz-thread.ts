// One target being fuzzed in a thread of its own, so that an input on which it hangs can still be told. Shows how it
// goes in shared memory, and says at the end what came of it.
import { parentPort, workerData } from 'node:worker_threads'
import { EXECUTIONS, type FuzzWork, INPUT_LENGTH, STATE_BYTES } from './fuzz-state.ts'
import { Fuzzer } from './fuzzer.ts'
import { InstrumentedPackages } from './instrumented-package.ts'
import { TARGETS } from './targets.ts'

const { target, plan, known, state }: FuzzWork = workerData
const numbers = new Int32Array(state, 0, 2)
const current = new Uint8Array(state, STATE_BYTES)
using packages = new InstrumentedPackages()
const loaded = await TARGETS[target](packages)
const fuzzer = new Fuzzer(loaded, packages.counters, (input) => {
  current.set(input)
  numbers[INPUT_LENGTH] = input.length
  Atomics.add(numbers, EXECUTIONS, 1)
})
parentPort?.postMessage(fuzzer.run(known, plan))
