// Measures what it costs the client to find a key's node, one placement and pool after the other, and tells it as
// a table. How one is measured is the worker's business.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Environment, environmentLines } from '../report/environment.ts'
import { significant } from '../report/format.ts'
import type { Section } from '../report/section.ts'
import { NODE_COUNTS, PLACEMENTS, type RingCase, type RingCost } from './ring-case.ts'

export interface RingReport {
  readonly environment: Environment
  readonly commandLine: string
  readonly costs: readonly RingCost[]
}

export async function measureRing(
  environment: Environment,
  commandLine: string,
  signal: AbortSignal,
): Promise<RingReport> {
  const costs: RingCost[] = []
  for (const placement of Object.keys(PLACEMENTS)) {
    for (const nodes of NODE_COUNTS) {
      if (!signal.aborted) costs.push(await measureCase({ placement, nodes }))
    }
  }
  return { environment, commandLine, costs }
}

async function measureCase(ringCase: RingCase): Promise<RingCost> {
  const worker = new Worker(new URL('./ring-worker.js', import.meta.url), { workerData: ringCase })
  const [cost] = await once(worker, 'message')
  await worker.terminate()
  return cost as RingCost
}

export function ringSections({ environment, commandLine, costs }: RingReport): Section[] {
  return [
    {
      title: 'Finding the node of a key',
      table: {
        head: ['placement', 'nodes', 'lookup, ns', 'first, ms', 'change, ms', 'max/mean', 'moved'],
        rows: costs.map((cost) => [
          cost.placement,
          String(cost.nodes),
          Math.round(cost.lookupNs).toString(),
          significant(cost.firstMs),
          significant(cost.changeMs),
          cost.maxShare.toFixed(2),
          cost.moved.toFixed(2),
        ]),
        nameColumns: 1,
      },
      lines: [
        'CPU time: of one lookup, of placing keys on the nodes for the first time in a process, and of doing so with one node more.',
        'max/mean: the share of the node that has most. moved: keys that move when one node is added, relative to those that it gets.',
        `memshard-bench ${commandLine}`,
        ...environmentLines(environment),
      ],
    },
  ]
}
