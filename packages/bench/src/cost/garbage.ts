// Whether serving makes garbage: a server of ours under `node --trace-gc`, millions of mixed requests,
// and what its workers' isolates have collected and kept meanwhile. Knows nothing of the server's code.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BenchError } from '../errors.ts'
import { fill } from '../fill.ts'
import { reachServer } from '../load/address.ts'
import { run } from '../run.ts'
import { type RunningServer, startServer } from '../servers.ts'
import { type MixProtocol, recordMixedTape } from '../workload/mixed-tape.ts'
import { DEFAULT_WORKLOAD } from '../workload/workload.ts'
import { ASKED_FOR, type ProbeAnswer, type ProbeQuestion } from './garbage-probe.ts'
import type { CostServer, CostSetting, Progress } from './setting.ts'

export interface Garbage {
  readonly label: string
  readonly requests: number
  readonly seconds: number
  readonly errors: number
  /** Collections of the worker's isolate while the requests were served, as `--trace-gc` told them. */
  readonly workerCollections: readonly string[]
  /** The main thread's: it keeps clocks and logs, and serves nobody. */
  readonly mainCollections: number
  /** In use on the worker's heap: collected after the warm-up, and as it is after all requests. */
  readonly heapBytesBefore: number
  readonly heapBytesAfter: number
}

const PROBE = fileURLToPath(
  new URL('garbage-probe.js', new URL('../../dist/cost/', import.meta.url)),
)
const WORKLOAD = { ...DEFAULT_WORKLOAD, keys: 100_000 }
const PARTS: readonly { readonly protocol: MixProtocol; readonly share: number }[] = [
  { protocol: 'text', share: 0.8 },
  { protocol: 'binary', share: 0.2 },
]
const REQUESTS = 10_000_000
const QUICK_REQUESTS = 100_000
const WARMUP_PART = 0.2
/** `[1234:0x7fa6d8001030]       46 ms: Scavenge 3.2 (3.2) -> 2.8 (4.2) MB, ...` */
const TRACE_LINE = /^\[\d+:(0x[0-9a-f]+)\]\s+\d+ ms: (.*)$/
const WAKE_MS = 20

export async function measureGarbage(
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<Garbage[] | undefined> {
  const found: Garbage[] = []
  for (const server of setting.servers.filter(({ isMemshard }) => isMemshard)) {
    progress(`garbage: ${server.label}`)
    found.push(await garbageOf(server, setting, signal))
    if (signal.aborted) return undefined
  }
  return found
}

async function garbageOf(
  server: CostServer,
  { placement, quick }: CostSetting,
  signal: AbortSignal,
): Promise<Garbage> {
  const requests = quick ? QUICK_REQUESTS : REQUESTS
  await using running = await startServer(server, ['-t', '1', '-m', '1024'], placement?.server, {
    launcher: [process.execPath, '--trace-gc', '--expose-gc', '--import', PROBE],
    observed: true,
  })
  const trace = new Trace(running)
  await fill({ address: running.address, workload: WORKLOAD, driver: 'auto' }, signal)
  await play(running, requests * WARMUP_PART, signal)
  // What the warm-up left is no matter of the requests that are counted, nor is a collection it has begun.
  const before = await heapInUse(running, { collect: true })
  trace.restart()
  const { seconds, errors } = await play(running, requests, signal)
  const collections = trace.lines
  const after = await heapInUse(running, { collect: false })
  return {
    label: server.label,
    requests,
    seconds,
    errors,
    workerCollections: collections.filter((line) => line.isolate !== trace.mainIsolate).map(text),
    mainCollections: collections.filter((line) => line.isolate === trace.mainIsolate).length,
    heapBytesBefore: before,
    heapBytesAfter: after,
  }
}

async function play(
  { address }: RunningServer,
  requests: number,
  signal: AbortSignal,
): Promise<{ seconds: number; errors: number }> {
  let seconds = 0
  let errors = 0
  for (const { protocol, share } of PARTS) {
    const length = { kind: 'requests', count: Math.round(requests * share) } as const
    const tape = recordMixedTape(WORKLOAD, protocol)
    const asked = { kind: 'tape', tape } as const
    const options = { warmupMs: 0, length, fill: false, driver: 'auto', asked } as const
    const result = await run({ servers: [address], pids: [] }, tape.workload, options, signal)
    seconds += result.seconds
    errors += result.errors + result.misses
  }
  return { seconds, errors }
}

interface TraceLine {
  readonly isolate: string
  readonly text: string
}

function text(line: TraceLine): string {
  return line.text
}

/** What `--trace-gc` prints, line by line. */
class Trace {
  lines: TraceLine[] = []
  mainIsolate: string | undefined
  #unfinished = ''

  constructor({ process }: RunningServer) {
    process.stdout?.setEncoding('latin1').on('data', (data: string) => this.#receive(data))
  }

  /** Forgets the lines so far. */
  restart(): void {
    this.lines = []
  }

  #receive(data: string): void {
    const lines = (this.#unfinished + data).split('\n')
    this.#unfinished = lines.pop() ?? ''
    for (const line of lines) {
      const [, isolate = '', text = ''] = TRACE_LINE.exec(line) ?? []
      if (isolate === '') continue
      if (text.includes(ASKED_FOR)) this.mainIsolate ??= isolate
      else this.lines.push({ isolate, text })
    }
  }
}

/** Of the only worker. It hears the question when something wakes it: a connection that asks for the version. */
async function heapInUse(
  { process, address }: RunningServer,
  question: ProbeQuestion,
): Promise<number> {
  const answered = once(process, 'message')
  process.send(question)
  const wake = setInterval(() => void reachServer(address).catch(() => {}), WAKE_MS)
  try {
    const [{ heapBytes }] = (await answered) as [ProbeAnswer]
    const [bytes] = heapBytes
    if (bytes === undefined) throw new BenchError('CANNOT_START', 'the server has no worker thread')
    return bytes
  } finally {
    clearInterval(wake)
  }
}
