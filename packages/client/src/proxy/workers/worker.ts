// One of several processes that are one proxy together, seen from within: what the primary process asks of it, and what it
// knows of the others. Knows no client.
import type { ProxyConfiguration } from '../configuration.ts'
import type { Siblings } from '../siblings.ts'
import type { ProxySnapshot } from '../snapshot.ts'
import { type Answering, Channel, type Message, type Places } from './channel.ts'

export class WorkerProcess implements Siblings {
  readonly pid = process.ppid
  readonly #channel: Channel

  /** In the process of a worker alone. */
  constructor(answering: Answering) {
    this.#channel = new Channel(send, answering)
    process.on('message', (message: Message) => void this.#channel.heard(message))
  }

  /** Told once: where it listens, or why it can't. */
  started(places: Places): void {
    send({ kind: 'started', places })
  }

  /** Resolves when it is told. */
  failed(reason: string): Promise<void> {
    return new Promise((resolve) => send({ kind: 'failed', reason }, resolve))
  }

  async snapshots(): Promise<readonly ProxySnapshot[]> {
    return (await this.#channel.ask('others')) ?? []
  }

  async reset(): Promise<void> {
    await this.#channel.ask('resetOthers')
  }

  /** Lets the process end. */
  leave(): void {
    if (process.connected) process.disconnect()
  }
}

/** What one of them may take of what is meant for all: clients come to each in turn. */
export function shareOf(configuration: ProxyConfiguration): ProxyConfiguration {
  const { workers, maxConnections, valueMemory } = configuration
  return {
    ...configuration,
    maxConnections: Math.ceil(maxConnections / workers),
    valueMemory: Math.ceil(valueMemory / workers),
  }
}

/** Whoever can't be told any more has ended, and this process with it. */
function send(message: Message, done = (): void => {}): void {
  process.send?.(message, undefined, undefined, done)
}
