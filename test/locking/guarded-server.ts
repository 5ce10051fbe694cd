// A server all of whose threads tell who comes to the cache without its lock: the executable's code but for that.
import { launchWorkers, loadRuntime } from '../built-server.ts'
import { guardLock } from './guard.ts'

await guardLock()
const runtime = await loadRuntime()
const command = runtime.parseCommandLine(process.argv.slice(2), process.env)
if (command.kind !== 'serve') throw new Error(command.message)
const { settings } = command
const threads = launchWorkers(runtime, settings, new URL('./guarded-worker.js', import.meta.url))
await runtime.serve(settings, runtime.createLog(settings), threads)
