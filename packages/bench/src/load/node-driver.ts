// Plays a loop over node:net or node:tls, where epoll cannot be called directly. Costs up to twice as
// much per request, which the report shows as the generator's own CPU time. Knows no protocol.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError } from '../errors.ts'
import { connectTo, formatAddress } from './address.ts'
import type { Conversation } from './conversation.ts'
import type { DriverOptions, LoadDriver } from './driver.ts'
import type { Exchange, LoadLoop } from './load-loop.ts'

export async function openNodeDriver(
  { servers, tls }: DriverOptions,
  loop: LoadLoop,
): Promise<LoadDriver> {
  const sockets: Socket[] = []
  for (const _ of loop.exchanges) {
    for (const address of servers) {
      const socket = connectTo(address, tls)
      sockets.push(socket)
      try {
        await once(socket, tls ? 'secureConnect' : 'connect')
      } catch (cause) {
        for (const opened of sockets) opened.destroy()
        throw new BenchError(
          'CANNOT_CONNECT',
          `${formatAddress(address)} accepts no more connections (${reasonOf(cause)}): raise its limit, or lower --connections`,
          { cause },
        )
      }
    }
  }
  return new NodeDriver(sockets, servers.length, loop)
}

class NodeDriver implements LoadDriver {
  readonly kind = 'node'
  /** Of each caller those to all servers, one after the other. */
  readonly #sockets: readonly Socket[]
  readonly #servers: number
  readonly #loop: LoadLoop
  /** The caller that is asked first whether it can take the next request that is due. */
  #nextIdle = 0
  /** Ends the present run before its time. */
  #finish: (() => void) | undefined

  constructor(sockets: readonly Socket[], servers: number, loop: LoadLoop) {
    this.#sockets = sockets
    this.#servers = servers
    this.#loop = loop
    for (const [index, socket] of sockets.entries()) {
      const caller = Math.floor(index / servers)
      const exchange = loop.exchanges[caller]!
      const conversation = exchange.caller.conversations[index % servers]!
      socket.on('data', (bytes) => this.#receive(caller, exchange, conversation, bytes))
      socket.once('end', () => this.#lose(caller, 'closed it'))
      socket.once('error', (error) => this.#lose(caller, `failed (${reasonOf(error)})`))
    }
  }

  async run(milliseconds: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    this.#finish = () => over.abort()
    this.#loop.start(performance.now())
    this.#beginDue()
    if (this.#loop.finished) return
    const ended = AbortSignal.any([signal, over.signal])
    if (this.#loop.isScheduled) this.#watchClock(ended)
    try {
      await sleep(milliseconds, undefined, { signal: ended })
    } catch {
      // Woken before the time was over: one of the two signals says why.
    }
    over.abort()
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Node's timers know milliseconds alone: what is due is looked for at every turn of the event loop. */
  #watchClock(ended: AbortSignal): void {
    if (ended.aborted) return
    this.#beginDue()
    setImmediate(() => this.#watchClock(ended))
  }

  /** Sends what is due, for the callers that wait for nothing, each in its turn. */
  #beginDue(): void {
    const { length } = this.#loop.exchanges
    for (let asked = 0; asked < length && this.#loop.due <= performance.now(); asked++) {
      const caller = this.#nextIdle
      this.#nextIdle = caller + 1 === length ? 0 : caller + 1
      this.#begin(caller, performance.now())
    }
  }

  #begin(caller: number, now: number): void {
    const exchange = this.#loop.exchanges[caller]!
    if (!this.#loop.begin(exchange, caller, now)) return
    for (const [server, conversation] of exchange.caller.conversations.entries()) {
      const { output, unsentFrom, unsentTo } = conversation
      if (unsentFrom === unsentTo) continue
      // A copy: a server may refuse a request before all of it is sent, and then the output is written anew.
      const bytes = Buffer.from(output.subarray(unsentFrom, unsentTo))
      this.#sockets[caller * this.#servers + server]!.write(bytes)
      conversation.unsentFrom = unsentTo
    }
  }

  #receive(
    caller: number,
    exchange: Exchange,
    conversation: Conversation,
    bytes: Uint8Array,
  ): void {
    if (exchange.lost) return
    const now = performance.now()
    if (!this.#loop.received(exchange, conversation, bytes, bytes.length, now)) {
      this.#lose(caller, conversation.broken ?? 'broke the protocol')
      return
    }
    if (exchange.outstanding === 0) this.#begin(caller, now)
    if (this.#loop.starved) this.#feedLater()
    if (this.#loop.finished) this.#finish?.()
  }

  /** What there is nothing of may come while the event loop runs. */
  #feedLater(): void {
    this.#loop.starved = false
    setImmediate(() => {
      this.#beginDue()
      if (this.#loop.starved) this.#feedLater()
    })
  }

  /** A caller is of no more use without one of its connections: the others go too. */
  #lose(caller: number, reason: string): void {
    this.#loop.lost(this.#loop.exchanges[caller]!, reason)
    for (let server = 0; server < this.#servers; server++) {
      this.#sockets[caller * this.#servers + server]!.destroy()
    }
    if (this.#loop.finished) this.#finish?.()
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return (error as NodeJS.ErrnoException).code ?? error.message
}
