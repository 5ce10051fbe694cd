// A client in a process of its own, as the bench sees it: what it is ordered, and what it answers.
// Knows how to start and end the process; nothing of the client.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BenchError } from '../errors.ts'
import type { ClientRound } from './callers.ts'
import type { Order, Outcome } from './client-process.ts'
import type { ClientWorkload } from './client-workloads.ts'

const PROGRAM = fileURLToPath(
  new URL('client-process.js', new URL('../../dist/clients/', import.meta.url)),
)

export class MeasuredClient implements AsyncDisposable {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #killWithUs: () => void
  #complaint = ''

  /** The process is bound to the cores that this one is bound to. */
  private constructor(name: string) {
    this.#name = name
    this.#child = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#killWithUs = () => this.#child.kill('SIGKILL')
    process.once('exit', this.#killWithUs)
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(0, 2_000)
    })
  }

  /** Connects it, and resolves when it has stored and read back every item. */
  static async open(
    name: string,
    workload: ClientWorkload,
    servers: readonly string[],
  ): Promise<MeasuredClient> {
    const client = new MeasuredClient(name)
    try {
      await client.#order({ kind: 'open', client: name, workload: workload.name, servers })
    } catch (error) {
      await client[Symbol.asyncDispose]()
      throw error
    }
    return client
  }

  async run(milliseconds: number): Promise<ClientRound> {
    const { round } = await this.#order({ kind: 'run', milliseconds })
    return round!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
    process.off('exit', this.#killWithUs)
  }

  async #order(order: Order): Promise<Extract<Outcome, { kind: 'done' }>> {
    const ended = new AbortController()
    try {
      this.#child.send(order)
      const outcome = await Promise.race([
        once(this.#child, 'message', { signal: ended.signal }).then(([it]) => it as Outcome),
        once(this.#child, 'exit', { signal: ended.signal }).then(
          (): Outcome => ({ kind: 'failed', reason: this.#complaint.trim() || 'it ended' }),
        ),
      ])
      if (outcome.kind === 'done') return outcome
      throw new BenchError('CLIENT_FAILED', `${this.#name}: ${outcome.reason}`)
    } finally {
      ended.abort()
    }
  }
}
