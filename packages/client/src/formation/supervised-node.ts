// One node of a formation: a process that is started, started again when it ends by itself, and drained at last. Knows
// processes and when a node answers; not what other nodes there are.
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { boundToParent, type NodeCommand } from './node-command.ts'

export type SupervisedState = 'starting' | 'up' | 'crashed' | 'draining' | 'ended'

export interface SupervisedNodeOptions {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly command: NodeCommand
  /** Hears each line that the node writes. */
  readonly wrote: (line: string) => void
  /** Hears what becomes of it. */
  readonly tell: (message: string) => void
}

const FIRST_RESTART_MS = 250
const MAX_RESTART_MS = 10_000
/** Who was up for so long has not failed to start. */
const SETTLED_MS = 30_000
const READY_DEADLINE_MS = 30_000
const READY_POLL_MS = 50
/** To answer what was asked. Then it is told, then made to end. */
const DRAIN_MS = 6_000
const TERM_MS = 3_000

export class SupervisedNode {
  readonly name: string
  readonly port: number
  /** `host:port`, as clients take it. */
  readonly address: string
  state: SupervisedState = 'starting'
  restarts = 0
  readonly #options: SupervisedNodeOptions
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #retryMs = FIRST_RESTART_MS
  readonly #leaving = new AbortController()

  constructor(options: SupervisedNodeOptions) {
    this.#options = options
    this.name = options.name
    this.port = options.port
    const { host, port } = options
    this.address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Resolves when it answers; rejects when it doesn't, or is not to be any more. */
  async start(): Promise<void> {
    this.#launch()
    await this.#answers()
  }

  /** Takes it down and up again. */
  async restart(): Promise<void> {
    if (this.state !== 'up') return
    this.state = 'starting'
    await this.#end()
    this.#launch()
    await this.#answers()
  }

  /** Answers what it was asked, and ends; not to be started again. */
  async stop(): Promise<void> {
    this.#leaving.abort()
    this.state = 'draining'
    await this.#end()
    this.state = 'ended'
  }

  #launch(): void {
    const { command, port, name, wrote } = this.#options
    const { file, args } = boundToParent(command)
    // In a group of its own: the interrupt that a terminal sends to all is not for it.
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, PORT: String(port), MEMSHARD_NODE: name },
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', wrote)
    }
    const began = performance.now()
    this.#exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        if (this.#child !== child) return
        this.#child = undefined
        resolve()
        this.#ended(how, performance.now() - began)
      }
      child.once('error', (error) => ended(error.message))
      child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`))
    })
  }

  #ended(how: string, afterMs: number): void {
    if (this.state !== 'up' && this.state !== 'crashed') return
    this.state = 'crashed'
    if (afterMs > SETTLED_MS) this.#retryMs = FIRST_RESTART_MS
    const delay = this.#retryMs
    this.#retryMs = Math.min(2 * delay, MAX_RESTART_MS)
    this.#options.tell(`ended by itself (${how}): starts again in ${delay} ms`)
    void this.#startAgain(delay)
  }

  async #startAgain(delay: number): Promise<void> {
    try {
      await sleep(delay, undefined, { signal: this.#leaving.signal })
      this.restarts++
      this.#launch()
      await this.#answers()
      this.#options.tell('is up again')
    } catch (error) {
      if (!this.#leaving.signal.aborted) this.#options.tell((error as Error).message)
    }
  }

  /** Waits for the first answer. */
  async #answers(): Promise<void> {
    const { host, port, name } = this.#options
    const deadline = performance.now() + READY_DEADLINE_MS
    while (!(await answersVersion(host, port))) {
      this.#leaving.signal.throwIfAborted()
      if (this.#child === undefined) throw new Error(`${name} ended before it answered`)
      if (performance.now() > deadline) throw new Error(`${name} does not answer on ${port}`)
      await sleep(READY_POLL_MS)
    }
    this.state = 'up'
  }

  async #end(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const steps = [
      [this.#options.command.drainSignal, DRAIN_MS],
      ['SIGTERM', TERM_MS],
      ['SIGKILL', Number.POSITIVE_INFINITY],
    ] as const
    for (const [signal, patience] of steps) {
      child.kill(signal)
      if (await within(this.#exited, patience)) return
    }
  }
}

async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  if (ms === Number.POSITIVE_INFINITY) return promise.then(() => true)
  const over = new AbortController()
  const late = sleep(ms, false, { signal: over.signal }).catch(() => false)
  const done = await Promise.race([promise.then(() => true), late])
  over.abort()
  return done
}

/** Whether something there answers as memcached does. */
function answersVersion(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (answers: boolean): void => {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(1_000, () => end(false))
    socket.once('error', () => end(false))
    socket.once('connect', () => socket.write('version\r\n'))
    socket.once('data', (data) => end(data.toString('latin1').startsWith('VERSION ')))
    socket.once('close', () => end(false))
  })
}
