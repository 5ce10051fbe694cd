// Runs inside a server that is looked at for garbage, loaded before it by `node --expose-gc --import`: asks the V8
// isolate of each worker thread for the bytes in use on its heap when the bench says so.
// Knows nothing of the server: workers are reached through V8's inspector, which interrupts them
// wherever they are, even in a loop that never returns.
import { Session } from 'node:inspector'
import { isMainThread } from 'node:worker_threads'

export interface ProbeQuestion {
  /** Whether the workers are to collect first, so that all that is in use after that is new. */
  readonly collect: boolean
}

/** The bytes in use on each worker's heap, in the order in which the workers were started. */
export interface ProbeAnswer {
  readonly heapBytes: readonly number[]
}

interface WorkerMessage {
  readonly sessionId: string
  readonly message: string
}

interface InspectorAnswer {
  readonly id?: number
  readonly result: { readonly usedSize?: number }
}

/** The reason that `--trace-gc` tells of a collection that a program has asked for. */
export const ASKED_FOR = 'testing'
// `HeapProfiler.collectGarbage` would wait for a turn of the event loop.
const COLLECT = { id: 1, method: 'Runtime.evaluate', params: { expression: 'gc()' } }
const HEAP_USAGE = { id: 2, method: 'Runtime.getHeapUsage' }

class Probe {
  readonly #session = new Session()
  readonly #workers: string[] = []
  #answers = new Map<string, number>()

  constructor() {
    this.#session.connect()
    this.#session.on('NodeWorker.attachedToWorker', ({ params }) => {
      this.#workers.push(params.sessionId)
    })
    this.#session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => this.#receive(params))
    this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  }

  ask({ collect }: ProbeQuestion): void {
    this.#answers = new Map()
    for (const sessionId of this.#workers) {
      for (const request of collect ? [COLLECT, HEAP_USAGE] : [HEAP_USAGE]) {
        const message = JSON.stringify(request)
        this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message })
      }
    }
  }

  #receive({ sessionId, message }: WorkerMessage): void {
    const { id, result } = JSON.parse(message) as InspectorAnswer
    if (id !== HEAP_USAGE.id) return
    this.#answers.set(sessionId, result.usedSize ?? Number.NaN)
    if (this.#answers.size < this.#workers.length) return
    const heapBytes = this.#workers.map((worker) => this.#answers.get(worker) ?? Number.NaN)
    process.send?.({ heapBytes } satisfies ProbeAnswer)
  }
}

if (isMainThread) {
  // The first message, when the server serves, attaches to the workers that are there then. This thread's isolate
  // becomes known: it is the first that has collected because it was asked to.
  let probe: Probe | undefined
  process.on('message', (question: ProbeQuestion) => {
    if (probe === undefined) globalThis.gc?.()
    probe ??= new Probe()
    probe.ask(question)
  })
}
