// A worker thread of the server that fails where a request of the test says so. Everything else is the server's.
import { threadId, workerData } from 'node:worker_threads'
import { load, loadCacheClasses } from '../built-server.ts'
import { ARMING_KEY, FAULT_KEY, type Fault, fail } from './faults.ts'

export interface FailingWorkerData {
  readonly condemned: SharedArrayBuffer
  /** It doesn't come so far as to serve. */
  readonly failsAtStart: boolean
}

const { condemned, failsAtStart } = workerData as FailingWorkerData
if (failsAtStart) throw new Error('a fault of the test at the start')

const { Cache, HashTable } = await loadCacheClasses()
const words = new Int32Array(condemned)
let armed: Fault | undefined

const { find } = Cache.prototype
Cache.prototype.find = function (key, at, length, hash) {
  const name = Buffer.from(key.bytes.subarray(at, at + length)).toString('latin1')
  if (name.startsWith(FAULT_KEY)) fail(name.slice(FAULT_KEY.length) as Fault, words, threadId)
  if (name.startsWith(ARMING_KEY)) armed = name.slice(ARMING_KEY.length) as Fault
  return find.call(this, key, at, length, hash)
}

const { insert, replace } = HashTable.prototype
HashTable.prototype.insert = function (item, hash) {
  insert.call(this, item, hash)
  if (armed !== undefined) fail(armed, words, threadId)
}
HashTable.prototype.replace = function (old, item, hash) {
  replace.call(this, old, item, hash)
  if (armed !== undefined) fail(armed, words, threadId)
}

await load('runtime/worker.js')
