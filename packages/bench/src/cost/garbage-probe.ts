// Runs inside a server that is looked at for garbage, loaded before it by `node --import`: asks the V8
// isolate of each worker thread for the bytes in use on its heap when the bench says so.
// Knows nothing of the server: workers are reached through V8's inspector, which interrupts them
// wherever they are, even in a loop that never returns.
import { Session } from 'node:inspector'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/** The bytes in use on each worker's heap, in the order in which the workers were started. */
export interface ProbeAnswer {
  readonly heapBytes: readonly number[]
}

interface WorkerMessage {
  readonly sessionId: string
  readonly message: string
}

interface InspectorAnswer {
  readonly result: { readonly usedSize?: number }
}

/** The reason that `--trace-gc` tells of a collection that a program has asked for. */
export const ASKED_FOR = 'testing'

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

  ask(): void {
    this.#answers = new Map()
    const message = JSON.stringify({ id: 1, method: 'Runtime.getHeapUsage' })
    for (const sessionId of this.#workers) {
      this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message })
    }
  }

  #receive({ sessionId, message }: WorkerMessage): void {
    const { result } = JSON.parse(message) as InspectorAnswer
    this.#answers.set(sessionId, result.usedSize ?? Number.NaN)
    if (this.#answers.size < this.#workers.length) return
    const heapBytes = this.#workers.map((worker) => this.#answers.get(worker) ?? Number.NaN)
    process.send?.({ heapBytes } satisfies ProbeAnswer)
  }
}

if (isMainThread) {
  // The first message, when the server serves, attaches to the workers that are there then.
  let probe: Probe | undefined
  process.on('message', () => {
    if (probe === undefined) collectHere()
    probe ??= new Probe()
    probe.ask()
  })
}

/** Makes this thread's isolate known: it is the one that has collected because it was asked to. */
function collectHere(): void {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
}
