// `memshard proxy` in the process of a worker: the same program with the same flags, which does what the primary process asks
// instead of what signals say. Knows no request.
import { ArgumentError } from '../errors.ts'
import type { ProxyConfiguration } from '../proxy/configuration.ts'
import { MemcachedProxy } from '../proxy/proxy.ts'
import { shareOf, WorkerProcess } from '../proxy/workers/worker.ts'
import { EXIT_DONE, EXIT_USAGE } from './surroundings.ts'

/** Resolves to the exit code when it has drained. */
export async function runProxyWorker(
  read: () => ProxyConfiguration,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const ending = new AbortController()
  const starting: { proxy?: MemcachedProxy } = {}
  const worker = new WorkerProcess({
    // It is asked these when it has told that it has started.
    snapshot: () => starting.proxy!.ownSnapshot(),
    reset: () => {
      starting.proxy!.statistics.reset()
      return null
    },
    reload: async () => {
      try {
        await starting.proxy!.configure(shareOf(read()))
        return ''
      } catch (error) {
        return (error as Error).message
      }
    },
    end: () => {
      ending.abort()
      return null
    },
  })
  try {
    const told = (line: string): void => tell(`worker ${process.pid}: ${line}`)
    const proxy = await MemcachedProxy.start(shareOf(read()), told, worker)
    starting.proxy = proxy
    const { addresses, adminAddress } = proxy
    worker.started({ addresses, adminAddress })
    await aborted(AbortSignal.any([signal, ending.signal]))
    await proxy.close()
  } catch (error) {
    const { message } = error as Error
    await worker.failed(
      error instanceof ArgumentError ? message : `the proxy can't listen: ${message}`,
    )
    return EXIT_USAGE
  } finally {
    worker.leave()
  }
  return EXIT_DONE
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
