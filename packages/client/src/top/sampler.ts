// Asks nodes for their statistics, each by a client of its own, so that none waits for another. Knows no terminal.
import type { Client } from '../client.ts'
import { PartialError, ServerError } from '../errors.ts'
import type { Outcome } from './dashboard.ts'
import { type Answers, type Statistics, sampleOf } from './statistics.ts'

/** Many nodes have 128. */
const HOT_KEYS = 50

export class NodeSampler implements AsyncDisposable {
  readonly name: string
  readonly #client: Client

  constructor(name: string, client: Client) {
    this.name = name
    this.#client = client
  }

  /** Never rejects: why there is no sample is an outcome too. After `deadline` milliseconds a node counts as down. */
  async sample(deadline: number): Promise<Outcome> {
    const ask = (kind: string): Promise<Statistics> => this.#ask(kind, deadline)
    // What a server doesn't have is left out; all other failures are the node's.
    const askIfKnown = (kind: string): Promise<Statistics | undefined> =>
      ask(kind).catch((error: unknown) => {
        if (error instanceof ServerError) return undefined
        throw error
      })
    try {
      const [general, items, slabs, latency, hotKeys] = await Promise.all([
        ask(''),
        askIfKnown('items'),
        askIfKnown('slabs'),
        askIfKnown('latency'),
        askIfKnown(`hotkeys ${HOT_KEYS}`),
      ])
      const answers: Answers = { general, items, slabs, latency, hotKeys }
      return { sample: sampleOf(answers, performance.now()) }
    } catch (error) {
      return { down: reasonOf(error) }
    }
  }

  async #ask(kind: string, timeout: number): Promise<Statistics> {
    try {
      const byNode = await this.#client.stats(kind, { timeout })
      return byNode.get(this.name) ?? new Map<string, string>()
    } catch (error) {
      if (error instanceof PartialError) throw error.cause
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
  }
}

/** The first cause: an ejected node's says why it was. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}
