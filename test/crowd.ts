// Thousands of clients with one bad habit, in a process of their own (crowd-process.ts): a test says what they do and
// hears what became of them. Knows that process; what is sent means nothing to it.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { REPOSITORY } from './repository.ts'

export interface Habit {
  readonly host: string
  readonly port: number
  readonly clients: number
  /** Shakes hands first. */
  readonly secure?: boolean
  /** Sent at once, in Latin-1; `{n}` is the client's number. */
  readonly send?: string
  /** Sent after it, byte by byte, over and over. */
  readonly drip?: { readonly text: string; readonly everyMs: number }
  /** Default true. */
  readonly reads?: boolean
  /** Leaves by itself; by a reset or not. Default: stays. */
  readonly leaves?: { readonly when: 'connected' | 'sent' | 'answered'; readonly reset: boolean }
  /** How many may be connecting, or be there if they leave by themselves. Default 200. */
  readonly atOnce?: number
}

/** Of all clients so far. */
export interface Crowding {
  readonly connected: number
  /** Connected and not closed, as far as the client knows. */
  readonly open: number
  /** Could not connect, or not shake hands. */
  readonly failed: number
  readonly received: number
  /** The beginnings of what was received, and how many got it. */
  readonly heard: Readonly<Record<string, number>>
}

export type Order =
  | { readonly order: 'open'; readonly habit: Habit }
  | { readonly order: 'leave'; readonly reset: boolean }
  | { readonly order: 'count' }

const DEADLINE_MS = 50_000

export class Crowd implements AsyncDisposable {
  readonly #process: ChildProcess

  static async gather(): Promise<Crowd> {
    const crowd = new Crowd(fork(join(REPOSITORY, 'test/dist/crowd-process.js')))
    await once(crowd.#process, 'message')
    return crowd
  }

  private constructor(process: ChildProcess) {
    this.#process = process
  }

  /** Resolves when each of them has connected, or failed to, and has sent; if it leaves by itself, when it has left. */
  open(habit: Habit): Promise<Crowding> {
    return this.#order({ order: 'open', habit })
  }

  count(): Promise<Crowding> {
    return this.#order({ order: 'count' })
  }

  /** All leave, at once. */
  leave({ reset }: { readonly reset: boolean }): Promise<Crowding> {
    return this.#order({ order: 'leave', reset })
  }

  /** The process freezes: its sockets stay, and nobody reads or writes. */
  freeze(): void {
    this.#process.kill('SIGSTOP')
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  async #order(order: Order): Promise<Crowding> {
    this.#process.send(order)
    const signal = AbortSignal.timeout(DEADLINE_MS)
    const [crowding] = (await once(this.#process, 'message', { signal })) as [Crowding]
    return crowding
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }
}
