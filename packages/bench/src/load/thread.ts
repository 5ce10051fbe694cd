// One thread of a load: plays a session as the main thread says. Starts in a worker thread; knows
// nothing of the other threads.
import { parentPort, workerData } from 'node:worker_threads'
import { BenchError } from '../errors.ts'
import { openSession } from './session.ts'
import {
  type FromThread,
  packHistogram,
  type ThreadStart,
  type ToThread,
} from './thread-messages.ts'

const port = parentPort
if (!port) throw new TypeError('thread.ts runs in a worker thread')
const tell = (message: FromThread): void => port.postMessage(message)

try {
  await using session = await openSession((workerData as ThreadStart).plan)
  let interruption = new AbortController()
  let finish: () => void
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  port.on('message', async (message: ToThread) => {
    switch (message.kind) {
      case 'play': {
        interruption = new AbortController()
        const { milliseconds, requests, ramp, intervalMs } = message
        const phase = { milliseconds, requests, ramp, intervalMs }
        await session.play(
          {
            ...phase,
            onInterval: ({ seconds, counts, latency, latencyFromSending }) => {
              const sending = latencyFromSending && packHistogram(latencyFromSending)
              const packed = latency.map((histogram) => histogram && packHistogram(histogram))
              const measure = { seconds, counts, latency: packed }
              tell({ kind: 'interval', measure: { ...measure, latencyFromSending: sending } })
            },
          },
          interruption.signal,
        )
        tell({ kind: 'played' })
        break
      }
      case 'rate':
        session.setRate(message.requestsPerSecond)
        break
      case 'abort':
        interruption.abort()
        break
      case 'finish':
        tell({ kind: 'finished', outcome: await session.finish() })
        finish()
    }
  })
  tell({ kind: 'open', driver: session.driver })
  await finished
  port.close()
} catch (error) {
  if (!(error instanceof BenchError)) throw error
  tell({ kind: 'failed', code: error.code, message: error.message })
}
