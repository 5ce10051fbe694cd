// A run of sequences against the model, its thread watched for hangs.
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { REPOSITORY } from '../repository.ts'
import type { ModelDefect, ModelResult, ModelWork } from './model-thread.ts'

/** A sequence that takes more of the processor's time is one on which the cache hangs. */
const HANG_MS = 20_000
const WATCH_MS = 500

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
  const result = await Promise.race([ended(thread), hung(thread, state, work.seed, progress)])
  await thread.terminate()
  return { ...result, seconds: (performance.now() - began) / 1000 }
}

function ended(thread: Worker): Promise<ModelResult> {
  return new Promise((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`the thread ended with ${code}`)))
  })
}

/** Resolves when the thread is at one sequence for too long. */
function hung(
  thread: Worker,
  state: SharedArrayBuffer,
  seed: number,
  progress: (sequences: number) => void,
): Promise<ModelResult> {
  const begun = new Int32Array(state)
  let sequences = 0
  let since = cpuMilliseconds()
  return new Promise((resolve) => {
    const watch = setInterval(() => {
      const now = Atomics.load(begun, 0)
      progress(now)
      if (now !== sequences || now === 0) {
        sequences = now
        since = cpuMilliseconds()
      } else if (cpuMilliseconds() - since > HANG_MS) {
        const message = `hangs for ${HANG_MS} ms in sequence ${sequences} of the run`
        const defect: ModelDefect = { scenario: 'unknown', seed, message, sequence: '' }
        resolve({ sequences, operations: 0, evictions: 0, pagesMoved: 0, defect })
      }
    }, WATCH_MS)
    thread.once('exit', () => clearInterval(watch))
  })
}

/** Of this process. Unlike the time that goes by, it is not spent by others on a busy machine. */
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
