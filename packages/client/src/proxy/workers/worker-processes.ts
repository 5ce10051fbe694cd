// Several processes that are one proxy: they share its ports, and Node's cluster gives them the clients that come in turn.
// Starts them, starts another one for each that dies, has them read the file again one after the other, and ends them. Knows
// no client and no pool.
import cluster, { type Worker } from 'node:cluster'
import { ArgumentError } from '../../errors.ts'
import type { ProxyConfiguration } from '../configuration.ts'
import { Channel, type Message, type Places } from './channel.ts'

/** One that died sooner than this is not replaced sooner either. */
const SHORT_LIFE_MS = 1000
/** Who is silent for so long is left out of a sum. */
const ANSWER_MS = 1000
/** Beyond the time that clients have to take their answers. */
const END_MS = 5000

interface Running {
  readonly worker: Worker
  readonly channel: Channel
  readonly startedAt: number
  readonly places: Promise<Places>
  state: 'starting' | 'serving' | 'leaving'
}

export class WorkerProcesses implements Places {
  readonly #tell: (line: string) => void
  readonly #running = new Set<Running>()
  #configuration: ProxyConfiguration
  #places: Places = { addresses: [], adminAddress: undefined }
  #replacing: NodeJS.Timeout | undefined
  #state: 'starting' | 'serving' | 'ending' = 'starting'

  /**
   * Each is this program with the same flags, so that it comes to serve as a worker by itself. Resolves when all listen.
   * @throws ArgumentError when they can't.
   */
  static async start(
    configuration: ProxyConfiguration,
    tell: (line: string) => void,
  ): Promise<WorkerProcesses> {
    cluster.setupPrimary({ serialization: 'advanced' })
    const processes = new WorkerProcesses(configuration, tell)
    try {
      await processes.#startMissing()
    } catch (error) {
      await processes.close()
      throw error
    }
    processes.#state = 'serving'
    return processes
  }

  private constructor(configuration: ProxyConfiguration, tell: (line: string) => void) {
    this.#configuration = configuration
    this.#tell = tell
  }

  get addresses(): Places['addresses'] {
    return this.#places.addresses
  }

  get adminAddress(): string | undefined {
    return this.#places.adminAddress
  }

  /**
   * Has each read the file, of which this was read. One after the other: what one can't take the others are not asked to,
   * and clients are served meanwhile.
   */
  async configure(configuration: ProxyConfiguration): Promise<void> {
    for (const { channel, places } of this.#staying) {
      // Which file it has read while it started is not known.
      await places.catch(() => {})
      const failure = await channel.ask('reload')
      if (failure) throw new ArgumentError(failure)
    }
    this.#configuration = configuration
    for (const running of this.#staying.slice(configuration.workers)) this.#end(running)
    await this.#startMissing()
  }

  /** Resolves when all have ended. */
  async close(): Promise<void> {
    this.#state = 'ending'
    clearTimeout(this.#replacing)
    const gone = [...this.#running].map(async (running) => {
      const { worker } = running
      if (worker.isDead()) return
      const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
      this.#end(running)
      const kill = (): unknown => worker.process.kill('SIGKILL')
      const timer = setTimeout(kill, this.#configuration.drainTimeout + END_MS)
      await exited
      clearTimeout(timer)
    })
    await Promise.all(gone)
  }

  get #staying(): readonly Running[] {
    return [...this.#running].filter(({ state }) => state !== 'leaving')
  }

  /** The first alone: what can't be listened at is found out once, and a socket left behind removed by one. */
  async #startMissing(): Promise<void> {
    const { workers } = this.#configuration
    if (this.#staying.length === 0) this.#places = await this.#startOne()
    const missing = Math.max(0, workers - this.#staying.length)
    await Promise.all(Array.from({ length: missing }, () => this.#startOne()))
  }

  #startOne(): Promise<Places> {
    const worker = cluster.fork()
    const channel = new Channel((message) => worker.send(message, () => {}), {
      others: async () => {
        const snapshots = this.#othersThan(running).map((one) => one.ask('snapshot', ANSWER_MS))
        return (await Promise.all(snapshots)).filter((snapshot) => snapshot !== undefined)
      },
      resetOthers: async () => {
        await Promise.all(this.#othersThan(running).map((one) => one.ask('reset', ANSWER_MS)))
        return null
      },
    })
    const places = new Promise<Places>((resolve, reject) => {
      worker.on('message', (message: Message) => {
        if (message.kind === 'started') resolve(message.places)
        else if (message.kind === 'failed') reject(new ArgumentError(message.reason))
        else void channel.heard(message)
      })
      worker.once('exit', (code, signal) => {
        reject(new ArgumentError(`a worker ended with ${signal ?? code} before it listened`))
        this.#ended(running, signal ?? String(code))
      })
    })
    const running: Running = { worker, channel, startedAt: Date.now(), places, state: 'starting' }
    this.#running.add(running)
    return places.then((where) => {
      if (running.state === 'starting') running.state = 'serving'
      return where
    })
  }

  #othersThan(asking: Running): readonly Channel[] {
    return [...this.#running]
      .filter((one) => one !== asking && one.state !== 'starting')
      .map(({ channel }) => channel)
  }

  #ended(running: Running, how: string): void {
    this.#running.delete(running)
    running.channel.ended()
    if (this.#state === 'ending' || running.state === 'leaving') return
    // That it never listened is for `start` to tell.
    if (this.#state === 'starting' && running.state === 'starting') return
    const name = `worker ${running.worker.process.pid}`
    this.#tell(`${name} ended with ${how}: its clients are cut off, and another one is started`)
    const wait = Math.max(0, running.startedAt + SHORT_LIFE_MS - Date.now())
    this.#replacing ??= setTimeout(() => {
      this.#replacing = undefined
      // Whoever comes to nothing is replaced in turn.
      this.#startMissing().catch(({ message }) => this.#tell(message))
    }, wait)
  }

  #end(running: Running): void {
    running.state = 'leaving'
    void running.channel.ask('end')
  }
}
