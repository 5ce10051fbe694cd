// What the page shows of this process's node: samples it each second, and puts the present beside the past. Knows what
// belongs on the page; who may see it is asked elsewhere.
import type { AdministeredNode } from './admin-server.ts'
import { limitedPrefixes } from './limited-prefixes.ts'
import { readStatistics } from './node-statistics.ts'
import type { Contention, NodeState } from './page-data.ts'
import { Sampler } from './sampler.ts'
import { slabMemory } from './slab-memory.ts'
import { type NodeStatistics, numberOf } from './statistics-text.ts'

const SAMPLE_MS = 1_000

type Present = Omit<NodeState, 'samples' | 'identity'>

export class NodeWatch {
  readonly #node: AdministeredNode
  readonly #sampler = new Sampler()
  #timer: NodeJS.Timeout | undefined
  #general: NodeStatistics['general'] = new Map()
  #present: { readonly at: number; readonly state: Present } | undefined

  constructor(node: AdministeredNode) {
    this.#node = node
  }

  start(): void {
    const take = (): void => {
      const told = readStatistics(this.#node.client, ['general', 'items', 'latency', 'memshard'])
      this.#general = told.general
      this.#sampler.take(Date.now(), told)
    }
    take()
    this.#timer = setInterval(take, SAMPLE_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** With the samples that were taken after that time. */
  state(since: number, actions: boolean, formation: boolean): NodeState {
    const { about } = this.#node
    return {
      identity: {
        ...about,
        memcachedVersion: this.#general.get('version') ?? '',
        state: this.#node.unready() ?? 'serving',
        actions,
        formation,
      },
      ...this.#presentState(),
      samples: this.#sampler.samplesAfter(since),
    }
  }

  /** Once a second for all pages together. */
  #presentState(): Present {
    const now = Date.now()
    if (this.#present === undefined || now - this.#present.at >= SAMPLE_MS * 0.9) {
      const told = readStatistics(this.#node.client, ['general', 'slabs', 'items', 'memshard'])
      const lock = contention(told)
      const state = {
        commandSeconds: this.#sampler.commandSeconds,
        commands: this.#sampler.commands(),
        memory: slabMemory(told),
        limitedPrefixes: limitedPrefixes(told.memshard),
        ...(lock && { lock }),
      }
      this.#present = { at: now, state }
    }
    return this.#present.state
  }
}

function contention({ memshard }: NodeStatistics): Contention | undefined {
  const [acquired, contended] = ['lock_acquired', 'lock_contended'].map((name) =>
    numberOf(memshard, name),
  )
  if (acquired === undefined || contended === undefined) return undefined
  return { acquired, contended, waitMicroseconds: numberOf(memshard, 'lock_wait_us') ?? 0 }
}
