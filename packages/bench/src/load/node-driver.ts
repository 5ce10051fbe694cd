// Plays a closed loop over node:net, where epoll cannot be called directly. Costs up to twice as
// much per request, which the report shows as the generator's own CPU time. Knows no protocol.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError } from '../errors.ts'
import { connectTo, formatAddress, type ServerAddress } from './address.ts'
import type { ClosedLoop, Exchange } from './closed-loop.ts'
import type { LoadDriver } from './driver.ts'

export async function openNodeDriver(
  address: ServerAddress,
  loop: ClosedLoop,
): Promise<LoadDriver> {
  const sockets: Socket[] = []
  try {
    for (const _ of loop.exchanges) {
      const socket = connectTo(address)
      sockets.push(socket)
      await once(socket, 'connect')
    }
  } catch (cause) {
    for (const socket of sockets) socket.destroy()
    throw new BenchError(
      'CANNOT_CONNECT',
      `${formatAddress(address)} accepts no more connections: raise its limit, or lower --connections`,
      { cause },
    )
  }
  return new NodeDriver(sockets, loop)
}

class NodeDriver implements LoadDriver {
  readonly kind = 'node'
  readonly #sockets: readonly Socket[]
  readonly #loop: ClosedLoop
  /** Connections of no more use; a socket may report its end more than once. */
  readonly #lost = new Set<Socket>()
  /** Ends the present run before its time. */
  #finish: (() => void) | undefined

  constructor(sockets: readonly Socket[], loop: ClosedLoop) {
    this.#sockets = sockets
    this.#loop = loop
    for (const [index, socket] of sockets.entries()) {
      const exchange = loop.exchanges[index]!
      socket.on('data', (bytes) => this.#receive(socket, exchange, bytes))
      socket.once('end', () => this.#lose(socket, exchange, 'closed it'))
      socket.once('error', (error: NodeJS.ErrnoException) =>
        this.#lose(socket, exchange, `failed (${error.code ?? error.message})`),
      )
    }
  }

  async run(milliseconds: number, signal: AbortSignal): Promise<void> {
    const finished = new AbortController()
    this.#finish = () => finished.abort()
    for (const [index, socket] of this.#sockets.entries()) {
      if (!this.#lost.has(socket)) this.#sendNext(socket, this.#loop.exchanges[index]!)
    }
    if (this.#loop.finished) return
    try {
      await sleep(milliseconds, undefined, { signal: AbortSignal.any([signal, finished.signal]) })
    } catch {
      // Woken before the time was over: one of the two signals says why.
    }
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #receive(socket: Socket, exchange: Exchange, bytes: Buffer): void {
    if (!this.#loop.received(exchange, bytes, bytes.length, performance.now())) {
      this.#lose(socket, exchange, 'broke the protocol')
      return
    }
    this.#sendNext(socket, exchange)
    if (this.#loop.finished) this.#finish?.()
  }

  #sendNext(socket: Socket, exchange: Exchange): void {
    if (!this.#loop.begin(exchange, performance.now())) return
    socket.write(this.#loop.tape.requests.subarray(exchange.unsentFrom, exchange.unsentTo))
    exchange.unsentFrom = exchange.unsentTo
  }

  #lose(socket: Socket, exchange: Exchange, reason: string): void {
    if (this.#lost.has(socket)) return
    this.#lost.add(socket)
    this.#loop.lost(exchange, reason)
    socket.destroy()
    if (this.#loop.finished) this.#finish?.()
  }
}
