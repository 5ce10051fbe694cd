// What befalls nodes: each kind of fault from its beginning until the node is well again. Knows nodes and times, and not
// who suffers from it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosNode } from './chaos-node.ts'
import type { Weather } from './packet-link.ts'
import { between } from './random.ts'

export interface Fault {
  readonly kind: string
  /** How often, in relation to others. */
  readonly weight: number
  readonly suits?: (node: ChaosNode) => boolean
  /** Resolves when the node is well again. @throws Error when the node did what it must not. */
  readonly happen: (node: ChaosNode, random: () => number, membership: Membership) => Promise<void>
}

/** The list of nodes that clients follow. */
export interface Membership {
  remove(node: ChaosNode): Promise<void>
  add(node: ChaosNode): Promise<void>
}

export const FAULTS: readonly Fault[] = [
  {
    kind: 'killed (SIGKILL) and started again',
    weight: 3,
    happen: (node, random) => restart(node, 'SIGKILL', between(random, 0, 3000)),
  },
  {
    kind: 'stopped (SIGTERM) and started again',
    weight: 2,
    happen: (node, random) => restart(node, 'SIGTERM', between(random, 0, 3000)),
  },
  {
    kind: 'drained (SIGUSR1) and started again',
    weight: 1,
    happen: (node, random) => restart(node, 'SIGUSR1', between(random, 0, 500)),
  },
  {
    kind: 'frozen (SIGSTOP)',
    weight: 3,
    async happen(node, random) {
      node.freeze()
      await sleep(between(random, 200, 5000))
      node.thaw()
    },
  },
  {
    kind: 'slow (frozen for moments)',
    weight: 2,
    async happen(node, random) {
      const moments = between(random, 10, 40)
      for (let moment = 0; moment < moments; moment++) {
        node.freeze()
        await sleep(between(random, 10, 120))
        node.thaw()
        await sleep(between(random, 10, 60))
      }
    },
  },
  {
    kind: 'cut off (its link down)',
    weight: 3,
    async happen(node, random) {
      await node.cut()
      await sleep(between(random, 200, 6000))
      await node.join()
    },
  },
  {
    kind: 'its packets late and out of order (20 to 170 ms)',
    weight: 2,
    suits: hasWeather,
    happen: (node, random) =>
      storm(node, random, { delay: 20, jitter: between(random, 0, 150), loss: 0, twice: 0 }),
  },
  {
    kind: 'its packets lost (2 to 40 %)',
    weight: 2,
    suits: hasWeather,
    happen: (node, random) =>
      storm(node, random, { delay: 0, jitter: 0, loss: between(random, 0.02, 0.4), twice: 0 }),
  },
  {
    kind: 'its packets late, lost, twice and out of order',
    weight: 2,
    suits: hasWeather,
    happen: (node, random) =>
      storm(node, random, {
        delay: between(random, 0, 50),
        jitter: between(random, 5, 100),
        loss: between(random, 0.01, 0.15),
        twice: between(random, 0.05, 0.3),
      }),
  },
  {
    kind: 'losing packets (its link down for moments)',
    weight: 2,
    async happen(node, random) {
      const moments = between(random, 5, 20)
      for (let moment = 0; moment < moments; moment++) {
        await node.cut()
        await sleep(between(random, 5, 60))
        await node.join()
        await sleep(between(random, 30, 150))
      }
    },
  },
  {
    kind: 'killed while cut off',
    weight: 1,
    async happen(node, random) {
      await node.cut()
      await sleep(between(random, 0, 1000))
      await restart(node, 'SIGKILL', 0, () => node.join())
    },
  },
  {
    kind: 'taken out of the list for a while',
    weight: 2,
    async happen(node, random, membership) {
      await membership.remove(node)
      await sleep(between(random, 300, 4000))
      await membership.add(node)
    },
  },
  {
    kind: 'its disk full while it serves, and over a restart',
    weight: 1,
    suits: ({ hasMemoryFile }) => hasMemoryFile,
    async happen(node, random) {
      await node.fillDisk()
      await sleep(between(random, 0, 1500))
      await restart(node, random() < 0.5 ? 'SIGKILL' : 'SIGUSR1', 0)
      await node.freeDisk()
    },
  },
  {
    kind: 'started without room for its memory file',
    weight: 1,
    suits: ({ hasMemoryFile }) => hasMemoryFile,
    async happen(node) {
      await node.end('SIGKILL')
      const { code, said } = await node.startWithoutRoom()
      if (code !== undefined && (code === 0 || said === '')) {
        throw new Error(`${node.name} ended with ${code} for want of room, and said: ${said}`)
      }
      await node.end('SIGKILL')
      await node.freeDisk()
      await node.start()
    },
  },
]

function hasWeather({ weather }: ChaosNode): boolean {
  return weather !== undefined
}

async function storm(node: ChaosNode, random: () => number, weather: Weather): Promise<void> {
  await node.weather?.set(weather, Math.floor(random() * 2 ** 32))
  await sleep(between(random, 500, 6000))
  await node.weather?.clear()
}

async function restart(
  node: ChaosNode,
  signal: NodeJS.Signals,
  pauseMs: number,
  beforeStart: () => Promise<void> = async () => {},
): Promise<void> {
  await node.end(signal)
  await sleep(pauseMs)
  await beforeStart()
  await node.start()
}
