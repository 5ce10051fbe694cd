// What a fuzzing thread and the one that watches it share. Knows neither.
import type { Plan } from './fuzzer.ts'

export interface FuzzWork {
  readonly target: string
  readonly plan: Plan
  readonly known: readonly Uint8Array[]
  /** Two numbers, then the bytes of the input that is being run. */
  readonly state: SharedArrayBuffer
}

/** Inputs begun so far. */
export const EXECUTIONS = 0
export const INPUT_LENGTH = 1
export const STATE_BYTES = 8
