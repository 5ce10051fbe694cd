// A run of one target: its thread watched for hangs, its corpus read before, what it has found kept afterwards.
// Knows files and threads; nothing of how inputs are made.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { REPOSITORY } from '../repository.ts'
import { HANG_MS, watched } from '../watched-thread.ts'
import { nameOf, readInputs } from './corpus.ts'
import {
  EXECUTIONS,
  type FuzzResult,
  type FuzzWork,
  INPUT_LENGTH,
  STATE_BYTES,
} from './fuzz-state.ts'
import type { Outcome, Plan } from './fuzzer.ts'
import { MAX_INPUT_BYTES } from './mutation.ts'
import type { PlantedDefect } from './planted-defects.ts'

export interface CampaignResult extends FuzzResult {
  readonly seconds: number
  /** A file with the input that shows the defect, to be run again. */
  readonly defectFile: string | undefined
}

/** The inputs of a target that lead furthest, as they are kept. */
export function corpusDirectory(target: string): string {
  return join(REPOSITORY, 'test', 'fuzz', 'corpus', target)
}

/** Fuzzes a target; `progress` hears every half a second how many inputs were run. `planted`: what is to be found. */
export async function campaign(
  target: string,
  plan: Plan,
  progress: (executions: number) => void = () => {},
  planted?: PlantedDefect,
): Promise<CampaignResult> {
  const known = readInputs(corpusDirectory(target))
  const state = new SharedArrayBuffer(STATE_BYTES + MAX_INPUT_BYTES)
  const began = performance.now()
  const thread = new Worker(join(REPOSITORY, 'test', 'dist', 'fuzz', 'fuzz-thread.js'), {
    workerData: { target, plan, planted, known, state } satisfies FuzzWork,
  })
  const numbers = new Int32Array(state, 0, 2)
  const outcome = await watched<FuzzResult>(thread, {
    begun: numbers.subarray(EXECUTIONS),
    progress,
    hung(executions) {
      const input = new Uint8Array(state, STATE_BYTES, numbers[INPUT_LENGTH]).slice()
      const defect = { error: new Error(`hangs for ${HANG_MS} ms`), inputs: [input] }
      const nothing = { inputs: 0, coverage: 0, corpus: [], branches: 0, missed: [] }
      return { ...nothing, executions, defect }
    },
  })
  const seconds = (performance.now() - began) / 1000
  const defectFile = planted === undefined ? keepDefect(target, outcome) : undefined
  return { ...outcome, seconds, defectFile }
}

function keepDefect(target: string, { defect }: Outcome): string | undefined {
  const input = defect?.inputs.at(-1)
  if (input === undefined) return undefined
  const directory = join(REPOSITORY, '.cache', 'fuzz-defects')
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${target}-${nameOf(input)}`)
  writeFileSync(file, input)
  return file
}
