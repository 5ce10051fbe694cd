// Measures one placement on one pool, in a thread of its own: code that other placements have been through would
// be compiled for all of them, which no application's is. Uses the built client's own router, without sockets.
import { parentPort, workerData } from 'node:worker_threads'
import { PLACEMENTS, type RingCase, type RingCost } from './ring-case.ts'

interface Router {
  locate(key: string): number
  shares(): number[]
}
interface NamedNode {
  readonly name: string
  readonly weight: number
}
interface Placement {
  distribution(nodes: readonly NamedNode[]): Router
}
interface PlacementModule {
  placementOf(options: object): Placement
}

const ROUNDS = 15
const ROUND_KEYS = 50_000
const KEYS = Array.from({ length: 20_000 }, (_, i) => `user:profile:${i * 7919}`)

async function measure(ringCase: RingCase): Promise<RingCost> {
  const client = import.meta.resolve('@memshard/client')
  const { placementOf }: PlacementModule = await import(new URL('./ring/placement.js', client).href)
  const place = placementOf(PLACEMENTS[ringCase.placement]!).distribution
  const { nodes: count } = ringCase
  const firstMs = cpuNs(() => place(nodes(count, 'cache'))) / 1e6
  const router = place(nodes(count, 'cache'))
  const lookups = rounds(() => {
    for (let i = 0; i < ROUND_KEYS; i++) router.locate(KEYS[i % KEYS.length]!)
  })
  // Each time another node is added.
  const changes = rounds((round) => place([...nodes(count, 'cache'), ...nodes(1, `new-${round}`)]))
  const before = KEYS.map((key) => router.locate(key))
  const larger = place([...nodes(count, 'cache'), ...nodes(1, 'new')])
  const after = KEYS.map((key) => larger.locate(key))
  const moved = after.filter((owner, i) => owner !== before[i]).length
  return {
    ...ringCase,
    lookupNs: median(lookups) / ROUND_KEYS,
    firstMs,
    changeMs: median(changes) / 1e6,
    maxShare: Math.max(...router.shares()) * count,
    moved: moved / after.filter((owner) => owner === count).length,
  }
}

function nodes(count: number, name: string): NamedNode[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${name}-${i}:11300`, weight: 1 }))
}

function rounds(task: (round: number) => void): number[] {
  task(-1)
  return Array.from({ length: ROUNDS }, (_, round) => cpuNs(() => task(round)))
}

/** Of the whole process, whose other threads wait meanwhile. */
function cpuNs(task: () => void): number {
  const before = process.cpuUsage()
  task()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1e3
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

parentPort?.postMessage(await measure(workerData as RingCase))
