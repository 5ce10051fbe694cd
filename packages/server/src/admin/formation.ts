// The nodes beside which this one is: what each tells of itself, and which share of the keys is its. Asks them when
// somebody wants to know, once a second at most. Knows @memshard/client's public calls; any memcached will do.
import type { Client, ClientOptions } from '@memshard/client'
import type { FormationNode, FormationState } from './page-data.ts'
import { sampledValues } from './sampler.ts'
import { GROUPS, NO_STATISTICS, type NodeStatistics, type Statistics } from './statistics-text.ts'

export type ClientModule = typeof import('@memshard/client')
/** What the client is told of its nodes. */
export type NodeSource = Pick<ClientOptions, 'nodes' | 'auth'>

const FRESH_MS = 900
const TIMEOUT_MS = 1_000

/** By node; those that don't answer have an error instead. */
interface Told {
  readonly values: ReadonlyMap<string, Statistics>
  readonly failed: ReadonlyMap<string, Error>
}

export class Formation {
  readonly #client: Client
  readonly #partialError: ClientModule['PartialError']
  #trouble: string | undefined
  #state: FormationState | undefined
  #asking: Promise<FormationState> | undefined

  /** @throws Error when there can be no such nodes. */
  static async open(source: (client: ClientModule) => NodeSource): Promise<Formation> {
    const client = await import('@memshard/client')
    return new Formation(client, source(client))
  }

  private constructor(client: ClientModule, source: NodeSource) {
    this.#partialError = client.PartialError
    this.#client = new client.Client({
      ...source,
      timeout: TIMEOUT_MS,
      // A node that is away is to be seen again soon.
      probe: { min: 250, max: 2_000 },
    })
    this.#client.on('discoveryError', ({ message }) => {
      this.#trouble = message
    })
    this.#client.on('nodes', () => {
      this.#trouble = undefined
    })
  }

  /** At most a second old. */
  async state(): Promise<FormationState> {
    if (this.#state !== undefined && Date.now() - this.#state.at < FRESH_MS) return this.#state
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** All that the node of this name tells of itself; undefined if there is no such node, or it doesn't answer. */
  async statisticsOf(name: string): Promise<NodeStatistics | undefined> {
    if (!this.#client.nodes.some((node) => node.name === name)) return undefined
    const groups = await Promise.all(
      Object.entries(GROUPS).map(async ([group, word]) => {
        const { values } = await this.#told(word)
        return [group, values.get(name) ?? NO_STATISTICS] as const
      }),
    )
    const statistics = Object.fromEntries(groups) as NodeStatistics
    return statistics.general.size === 0 ? undefined : statistics
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async #ask(): Promise<FormationState> {
    const { values, failed } = await this.#told('')
    const shares = this.#client.shares()
    const nodes = this.#client.nodes.map(({ name, host, port, path }): FormationNode => {
      const told = values.get(name)
      const version = told?.get('version')
      return {
        name,
        address: path === '' ? `${host.includes(':') ? `[${host}]` : host}:${port}` : path,
        share: shares.get(name) ?? 0,
        ...(version !== undefined && { version }),
        ...(told === undefined && { down: reasonOf(failed.get(name)) }),
        values: told === undefined ? null : sampledValues(told),
      }
    })
    this.#state = {
      at: Date.now(),
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
      nodes,
    }
    return this.#state
  }

  async #told(word: string): Promise<Told> {
    if (this.#client.nodes.length === 0) return { values: new Map(), failed: new Map() }
    try {
      return { values: await this.#client.stats(word), failed: new Map() }
    } catch (error) {
      if (!(error instanceof this.#partialError)) throw error
      const { values, failed } = error
      return {
        values: values as ReadonlyMap<string, Statistics>,
        failed: failed as ReadonlyMap<string, Error>,
      }
    }
  }
}

/** The first cause: what the system said. */
function reasonOf(error: Error | undefined): string {
  if (error === undefined) return 'it does not answer'
  return error.cause instanceof Error ? error.cause.message : error.message
}
