// A worker thread of the server that tells who comes to the cache without its lock.
import { load } from '../built-server.ts'
import { guardLock } from './guard.ts'

await guardLock()
await load('runtime/worker.js')
