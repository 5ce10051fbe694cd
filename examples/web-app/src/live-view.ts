// What the panel shows, at one moment: nodes, traffic, keys, and in words what is going on. Knows processes, the client and the
// watch; no HTTP. Its types are the browser's, too.
import type { Client } from '@memshard/client'
import type { NodeProcesses, NodeStatus } from './node-processes.ts'
import { type RingPicture, ringPicture } from './ring-picture.ts'
import { type MissesSince, storyOf } from './story.ts'
import type { SecondOfTraffic, SeenKey, TrafficWatch } from './traffic-watch.ts'

/** `returning`: its process answers, and the client has not noticed yet. */
export type ShownState = 'up' | 'returning' | 'starting' | 'down'

export interface ShownNode {
  readonly name: string
  readonly port: number
  readonly state: ShownState
  /** Of the keys, now, 0 to 1; and when all nodes are up. */
  readonly share: number
  readonly homeShare: number
  readonly hits: number
  readonly misses: number
}

/** What a page has of it when it is served. */
export interface FormationView {
  readonly nodes: readonly ShownNode[]
  readonly visitors: boolean
  readonly story: string
}

export interface LiveView extends FormationView {
  readonly keys: readonly SeenKey[]
  readonly seconds: readonly SecondOfTraffic[]
  readonly ring: RingPicture
}

export interface LiveOptions {
  readonly cache: Client
  /** The same nodes, of which none is ever down: it is asked where keys live, and nothing else. */
  readonly home: Client
  readonly processes: NodeProcesses
  readonly watch: TrafficWatch
  readonly hasVisitors: () => boolean
}

/** When processes last ended or started, and what of each node's own keys had been missed until then. */
interface Since {
  readonly changes: string
  readonly misses: ReadonlyMap<string, number>
}

export class Live {
  readonly #options: LiveOptions
  #since: Since
  #ring: { readonly of: string; readonly picture: RingPicture } | undefined

  constructor(options: LiveOptions) {
    this.#options = options
    this.#since = this.#missesNow()
  }

  formation(): FormationView {
    const { processes, hasVisitors } = this.#options
    const { status } = processes
    if (changesOf(status) !== this.#since.changes) this.#since = this.#missesNow()
    const nodes = this.#nodes()
    const story = storyOf(nodes, status, (names) => this.#missesSince(names))
    return { nodes, story, visitors: hasVisitors() }
  }

  view(): LiveView {
    const { watch } = this.#options
    const formation = this.formation()
    const { keys, seconds } = watch
    return { ...formation, keys, seconds, ring: this.#ringOf(formation.nodes) }
  }

  #nodes(): readonly ShownNode[] {
    const { cache, home, processes, watch } = this.#options
    const [shares, homeShares] = [cache.shares(), home.shares()]
    return processes.status.map((status) => {
      const { name, port } = status
      const { hits, misses } = watch.trafficOf(name)
      return {
        name,
        port,
        state: shownState(status, shares.get(name) ?? 0),
        share: shares.get(name) ?? 0,
        homeShare: homeShares.get(name) ?? 0,
        hits,
        misses,
      }
    })
  }

  #missesSince(names: readonly string[]): MissesSince {
    const { processes, watch } = this.#options
    const since = { ofThese: 0, ofOthers: 0 }
    for (const { name } of processes.status) {
      const misses = watch.trafficOf(name).missesOfOwn - (this.#since.misses.get(name) ?? 0)
      since[names.includes(name) ? 'ofThese' : 'ofOthers'] += misses
    }
    return since
  }

  #missesNow(): Since {
    const { processes, watch } = this.#options
    const { status } = processes
    const misses = status.map(({ name }) => [name, watch.trafficOf(name).missesOfOwn] as const)
    return { changes: changesOf(status), misses: new Map(misses) }
  }

  /** Made anew when shares have changed. */
  #ringOf(nodes: readonly ShownNode[]): RingPicture {
    const of = nodes.map(({ share }) => share).join()
    if (this.#ring?.of !== of) {
      const { cache, home } = this.#options
      const names = nodes.map(({ name }) => name)
      this.#ring = { of, picture: ringPicture(cache, home, names) }
    }
    return this.#ring.picture
  }
}

function shownState({ state }: NodeStatus, share: number): ShownState {
  if (state === 'up') return share > 0 ? 'up' : 'returning'
  return state
}

function changesOf(status: readonly NodeStatus[]): string {
  return status.map(({ downAt, revivedAt }) => `${downAt}-${revivedAt}`).join()
}
