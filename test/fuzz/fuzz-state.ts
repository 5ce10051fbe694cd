// What a fuzzing thread and the one that watches it share. Knows neither.
import type { Outcome, Plan } from './fuzzer.ts'
import type { Branch } from './instrumented-package.ts'
import type { PlantedDefect } from './planted-defects.ts'

export interface FuzzWork {
  readonly target: string
  readonly plan: Plan
  readonly planted: PlantedDefect | undefined
  readonly known: readonly Uint8Array[]
  /** Two numbers, then the bytes of the input that is being run. */
  readonly state: SharedArrayBuffer
}

/** What comes of it. */
export interface FuzzResult extends Outcome {
  /** Of the modules that the target is about, how many branches there are, and those that no input took. */
  readonly branches: number
  readonly missed: readonly Branch[]
}

/** Inputs begun so far. */
export const EXECUTIONS = 0
export const INPUT_LENGTH = 1
export const STATE_BYTES = 8
