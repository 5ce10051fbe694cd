// A proxy in front of a node, that makes the network bad: slow, swallowing, or cutting. Knows bytes only.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface NodeProxy extends AsyncDisposable {
  readonly port: number
  /** Milliseconds by which everything comes later, in both directions. */
  delay: number
  /** Swallows everything, and takes connections that lead nowhere: the node is there, but not for us. */
  partition(): void
  /** What lost bytes is cut, everything else goes on. */
  heal(): void
  /** Resets all connections. */
  cut(): void
}

/** `port`: where the node listens, or will. */
export async function startProxy(port: number): Promise<NodeProxy> {
  const links = new Set<Link>()
  let partitioned = false
  const server = createServer((client) => {
    const link = new Link(client, port, proxy, () => links.delete(link))
    link.isSwallowing = partitioned
    links.add(link)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: NodeProxy = {
    port: (server.address() as AddressInfo).port,
    delay: 0,
    partition() {
      partitioned = true
      for (const link of links) link.isSwallowing = true
    },
    heal() {
      partitioned = false
      proxy.delay = 0
      for (const link of links) {
        if (link.hasSwallowed) link.cut()
        link.isSwallowing = false
      }
    },
    cut() {
      for (const link of links) link.cut()
    },
    async [Symbol.asyncDispose]() {
      server.close()
      proxy.cut()
    },
  }
  return proxy
}

class Link {
  isSwallowing = false
  hasSwallowed = false
  readonly #sockets: readonly [Socket, Socket]
  readonly #weather: { readonly delay: number }

  constructor(client: Socket, port: number, weather: { readonly delay: number }, gone: () => void) {
    const node = connect({ port, host: '127.0.0.1', noDelay: true })
    client.setNoDelay(true)
    this.#sockets = [client, node]
    this.#weather = weather
    this.#forward(client, node)
    this.#forward(node, client)
    for (const socket of this.#sockets) {
      socket
        .on('error', () => {})
        .on('close', () => {
          this.cut()
          gone()
        })
    }
  }

  cut(): void {
    for (const socket of this.#sockets) if (!socket.destroyed) socket.resetAndDestroy()
  }

  #forward(from: Socket, to: Socket): void {
    // What is late is sent in the order in which it came, however the delay changes.
    const late: Buffer[] = []
    const sendFirst = (): void => {
      const chunk = late.shift()
      if (chunk !== undefined && !to.destroyed) to.write(chunk)
    }
    from.on('data', (chunk) => {
      if (this.isSwallowing) {
        this.hasSwallowed = true
        return
      }
      late.push(chunk)
      if (this.#weather.delay === 0 && late.length === 1) sendFirst()
      else setTimeout(sendFirst, this.#weather.delay)
    })
  }
}
