// How calls end when their caller's AbortSignal says so. Knows no node.
import { setMaxListeners } from 'node:events'
import type { Call } from './node/call.ts'

/** Many calls of one request share its signal, which is no leak. */
function allowManyListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal)
}

/** The call rejects with the signal's reason when it aborts, or has. */
export function observe(signal: AbortSignal, call: Call): void {
  if (signal.aborted) {
    call.reject(signal.reason)
    return
  }
  allowManyListeners(signal)
  call.listenTo(signal)
}

/** The same for calls whose results belong together. */
export async function whileObserving<T>(
  signal: AbortSignal,
  calls: readonly Call[],
  results: Promise<T>,
): Promise<T> {
  allowManyListeners(signal)
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(signal.reason)
      for (const call of calls) call.reject(signal.reason)
    }
  })
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([results, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
