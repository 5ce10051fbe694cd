// A run of sequences against the model, its thread watched for hangs.
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { REPOSITORY } from '../repository.ts'
import { HANG_MS, watched } from '../watched-thread.ts'
import type { ModelDefect, ModelResult, ModelWork } from './model-thread.ts'

export interface CampaignResult extends ModelResult {
  readonly seconds: number
}

/** `progress` hears every half a second how many sequences were begun. */
export async function campaign(
  work: Omit<ModelWork, 'state'>,
  progress: (sequences: number) => void = () => {},
): Promise<CampaignResult> {
  const state = new SharedArrayBuffer(4)
  const began = performance.now()
  const thread = new Worker(join(REPOSITORY, 'test', 'dist', 'model', 'model-thread.js'), {
    workerData: { ...work, state } satisfies ModelWork,
  })
  const result = await watched<ModelResult>(thread, {
    begun: new Int32Array(state),
    progress,
    hung(sequences) {
      const message = `hangs for ${HANG_MS} ms in sequence ${sequences} of the run`
      const defect: ModelDefect = { scenario: 'unknown', seed: work.seed, message, sequence: '' }
      return { sequences, operations: 0, evictions: 0, pagesMoved: 0, defect }
    },
  })
  return { ...result, seconds: (performance.now() - began) / 1000 }
}
