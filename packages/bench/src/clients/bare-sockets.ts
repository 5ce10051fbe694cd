// What no client over node:net can be cheaper than: the same bytes as one write per node, prepared
// beforehand, and answers that are counted instead of read. Has no callers, no promises and no values.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ClientRound } from './callers.ts'
import type { ClientWorkload, Items } from './client-workloads.ts'

const READ_BYTES = 64 * 1024
const PREPARED = 50
const STORED = 'HD\r\n'

/** One node: what is sent to it in turn, and how many bytes each of these is answered with. */
interface Link {
  readonly socket: Socket
  readonly batches: readonly Buffer[]
  readonly answerBytes: number
  next: number
  awaited: number
}

export class BareSockets {
  readonly #links: readonly Link[]
  readonly #operations: number
  #answered: () => void = () => {}

  private constructor(workload: ClientWorkload, links: readonly Link[]) {
    this.#links = links
    this.#operations = workload.callers * workload.keysPerCall
  }

  /** Connects to all servers and stores every item on each. */
  static async open(
    workload: ClientWorkload,
    { keys, valueFor }: Items,
    servers: readonly string[],
  ): Promise<BareSockets> {
    const store = (key: string): string =>
      `ms ${key} ${workload.valueBytes}\r\n${valueFor(key)}\r\n`
    const ask = workload.call === 'set' ? store : (key: string): string => `mg ${key} v f\r\n`
    const size = (workload.callers * workload.keysPerCall) / servers.length
    const answer =
      workload.call === 'set'
        ? STORED.length
        : `VA ${workload.valueBytes} f0\r\n`.length + workload.valueBytes + '\r\n'.length
    const batches = Array.from({ length: PREPARED }, (_, batch) =>
      Buffer.from(
        Array.from({ length: size }, (_, i) => ask(keys[(batch * size + i) % keys.length]!)).join(
          '',
        ),
      ),
    )
    const links: Link[] = []
    const bare = new BareSockets(workload, links)
    for (const server of servers) {
      const link: Link = {
        socket: await bare.#connect(server, () => link),
        batches,
        answerBytes: size * answer,
        next: 0,
        awaited: 0,
      }
      links.push(link)
      const all = Buffer.from(keys.map(store).join(''))
      await bare.#exchange(link, all, keys.length * STORED.length)
    }
    return bare
  }

  async run(milliseconds: number): Promise<ClientRound> {
    const begun = performance.now()
    const cpu = process.cpuUsage()
    const until = begun + milliseconds
    let trips = 0
    await new Promise<void>((resolve) => {
      this.#answered = () => {
        for (const link of this.#links) if (link.awaited > 0) return
        trips++
        if (performance.now() < until) this.#sendAll()
        else resolve()
      }
      this.#sendAll()
    })
    const { user, system } = process.cpuUsage(cpu)
    return {
      operations: trips * this.#operations,
      seconds: (performance.now() - begun) / 1e3,
      cpuSeconds: (user + system) / 1e6,
      wrong: 0,
    }
  }

  #sendAll(): void {
    for (const link of this.#links) {
      link.awaited = link.answerBytes
      link.socket.write(link.batches[link.next]!)
      link.next = (link.next + 1) % link.batches.length
    }
  }

  #exchange(link: Link, request: Buffer, answerBytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#answered = resolve
      link.awaited = answerBytes
      link.socket.write(request)
    })
  }

  async #connect(server: string, link: () => Link): Promise<Socket> {
    const colon = server.lastIndexOf(':')
    const socket = connect({
      host: server.slice(0, colon),
      port: Number(server.slice(colon + 1)),
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length) => {
          const it = link()
          it.awaited -= length
          if (it.awaited <= 0) this.#answered()
          return true
        },
      },
    })
    await once(socket, 'connect')
    return socket
  }
}
