// A thread that runs one thing after the other, watched for the one on which it hangs. Knows no work.
import type { Worker } from 'node:worker_threads'

/** What takes more of the processor's time hangs. */
export const HANG_MS = 20_000
const WATCH_MS = 500

export interface Watch<Result> {
  /** The thread counts here what it has begun: the first number. */
  readonly begun: Int32Array
  /** Hears every half a second how many that are. */
  readonly progress: (begun: number) => void
  /** What is said of a thread that is at one thing for too long. */
  hung(begun: number): Result
}

/** What the thread says at its end, or what is said of it when it hangs. It is over then. */
export async function watched<Result>(thread: Worker, watch: Watch<Result>): Promise<Result> {
  const result = await Promise.race([ended<Result>(thread), hung(thread, watch)])
  await thread.terminate()
  return result
}

function ended<Result>(thread: Worker): Promise<Result> {
  return new Promise((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`the thread ended with ${code}`)))
  })
}

function hung<Result>(thread: Worker, { begun, progress, hung }: Watch<Result>): Promise<Result> {
  let last = 0
  let since = cpuMilliseconds()
  return new Promise((resolve) => {
    const watch = setInterval(() => {
      const now = Atomics.load(begun, 0)
      progress(now)
      if (now !== last || now === 0) {
        last = now
        since = cpuMilliseconds()
      } else if (cpuMilliseconds() - since > HANG_MS) resolve(hung(now))
    }, WATCH_MS)
    thread.once('exit', () => clearInterval(watch))
  })
}

/** Of this process. Unlike the time that goes by, it is not spent by others on a busy machine. */
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
