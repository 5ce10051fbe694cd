// The threads that serve: started as soon as their number is known, so that they load while the main thread
// still opens what they are to serve. Knows what a thread may take of memory, not what it does.
import { Worker } from 'node:worker_threads'
import type { Settings } from './settings.ts'
import type { ToWorker, WorkerTransport } from './worker-messages.ts'

/** The node transport has one thread, because Node's sockets can't be shared between threads. */
export type ThreadsFor = 'node' | 'direct'

/** Threads over direct system calls, and threads that serve the TLS connections which those accept. */
export interface ThreadCounts {
  readonly direct: number
  readonly secure: number
}

export function directThreadCounts(settings: Settings): ThreadCounts {
  const { tcpAddresses, udpAddresses, unixSocketPath, threads } = settings
  const secure = tcpAddresses.some((address) => address.clientCertificates !== undefined)
  const plain =
    unixSocketPath !== undefined ||
    udpAddresses.length > 0 ||
    tcpAddresses.some((address) => address.clientCertificates === undefined)
  // Where all is TLS, one is enough to accept it.
  return { direct: secure && !plain ? 1 : threads, secure: secure ? threads : 0 }
}

export interface WorkerThreads {
  readonly for: ThreadsFor
  readonly workers: readonly Worker[]
}

/** What these settings will be served with, unless this machine turns out to lack it. */
export function threadsExpected({ transport }: Settings): ThreadsFor {
  return transport === 'node' || process.platform !== 'linux' ? 'node' : 'direct'
}

/** How many threads will be started for these settings. */
export function threadCount(settings: Settings): number {
  if (threadsExpected(settings) === 'node') return 1
  const { direct, secure } = directThreadCounts(settings)
  return direct + secure
}

/** Starts the threads, those for TLS last. They wait for `giveWork`, and until then don't keep the process from ending. */
export function launchThreads(settings: Settings, serving: ThreadsFor): WorkerThreads {
  const { direct, secure } =
    serving === 'node' ? { direct: 0, secure: 1 } : directThreadCounts(settings)
  const workers = Array.from({ length: direct + secure }, (_, thread) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: `memshard-${thread}`,
      // A worker's heap holds its code and its connections; items live outside. Requests make no garbage except
      // over Node's sockets, so that the least is enough, which modules that load would otherwise outgrow.
      resourceLimits: { maxYoungGenerationSizeMb: thread < direct ? 3 : 8 },
    })
    worker.unref()
    return worker
  })
  return { for: serving, workers }
}

/** These threads, or others in their place where they were started for another transport. */
export function threadsFor(
  transport: WorkerTransport,
  settings: Settings,
  launched: WorkerThreads,
): WorkerThreads {
  const serving = transport.kind === 'node' ? 'node' : 'direct'
  if (serving === launched.for) return launched
  for (const worker of launched.workers) void worker.terminate()
  return launchThreads(settings, serving)
}

/**
 * Whether a thread that was at work has ended or is ending, also while the event loop, which would hear of it, stands
 * still: Node then says that the thread's own was idle for -1 ms, or, if it was never asked before, that it never began.
 */
export function hasEnded(worker: Worker): boolean {
  if (worker.threadId < 0) return true
  const { idle, active } = worker.performance.eventLoopUtilization()
  return idle < 0 || active === 0
}

/** From here on the process lasts as long as the thread. */
export function giveWork(worker: Worker, message: ToWorker): void {
  worker.ref()
  worker.postMessage(message)
}
