// A server whose threads fail when the test wants them to: the executable's own code but for its worker module. What
// comes first on the command line is what fails beside requests: `nothing`, `start` (the last thread), or `background`.
import { launchWorkers, loadCacheClasses, loadRuntime } from '../built-server.ts'
import type { FailingWorkerData } from './failing-worker.ts'

/** Enough for what a thread loads; the fault of memory is over sooner. */
const HEAP_MB = 64

const [fault, ...argv] = process.argv.slice(2)
const runtime = await loadRuntime()
const { Maintainer, Statistics } = await loadCacheClasses()

const command = runtime.parseCommandLine(argv, process.env)
if (command.kind !== 'serve') throw new Error(command.message)
const { settings } = command

const condemned = new SharedArrayBuffer(4)
const module = new URL('./failing-worker.js', import.meta.url)
const threads = launchWorkers(runtime, settings, module, (thread, threads) => {
  const workerData: FailingWorkerData = {
    condemned,
    failsAtStart: fault === 'start' && thread === threads - 1,
  }
  return { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } }
})
const { workers } = threads

// The main thread wants the lock all the time, so that it waits for it when its holder fails.
const { run } = Maintainer.prototype
Maintainer.prototype.run = function () {
  run.call(this)
  return 1
}

// Who waits to be terminated is, while this thread waits for it.
const { wait } = Atomics
Object.assign(Atomics, {
  wait: (...given: Parameters<typeof wait>) => {
    const number = Atomics.exchange(new Int32Array(condemned), 0, 0)
    if (number !== 0) void workers.find(({ threadId }) => threadId === number)?.terminate()
    return wait(...given)
  },
})

if (fault === 'background') {
  const { add } = Statistics.prototype
  let left = 500
  Statistics.prototype.add = function (counter, amount) {
    if (--left === 0) throw new Error('a fault of the test in the background')
    add.call(this, counter, amount)
  }
}

await runtime.serve(settings, runtime.createLog(settings), threads)
