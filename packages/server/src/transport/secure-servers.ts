// Lets clients of TLS listeners in: a server of TLS for each way to treat their certificates, made for the first who
// comes, and what becomes of each handshake. Knows neither listeners nor commands.
import { HANDSHAKE_FAILED, TLS_BROKEN } from '../cache/event-log.ts'
import type { ConnectionCounts } from './connection-counts.ts'
import type { ConnectionEvents } from './connection-events.ts'
import type { ClientCertificates } from './listeners.ts'
import type { NodeClient, NodeClients } from './node-clients.ts'
import { SecureServer, type SecureServerOptions } from './secure-server.ts'
import type { TransportContext } from './transport.ts'

export class SecureServers {
  readonly #options: Omit<SecureServerOptions, 'clientCertificates'>
  readonly #counts: ConnectionCounts
  readonly #events: ConnectionEvents
  readonly #servers = new Map<ClientCertificates, SecureServer>()

  constructor(
    options: Omit<SecureServerOptions, 'clientCertificates'>,
    { counts, connectionEvents }: Pick<TransportContext, 'counts' | 'connectionEvents'>,
  ) {
    this.#options = options
    this.#counts = counts
    this.#events = connectionEvents
  }

  /** Shakes hands with a client, who is served from then on. */
  accept(clientCertificates: ClientCertificates, client: NodeClient, clients: NodeClients): void {
    this.#server(clientCertificates).accept(client.raw, {
      done: (socket) => {
        if (!socket.isSessionReused()) this.#counts.countNewSession()
        socket.on('error', (error: NodeJS.ErrnoException) => {
          if (!isReset(error)) {
            this.#counts.countSecureError()
            client.protocol.trouble = TLS_BROKEN
          }
          socket.destroy()
        })
        clients.begin(client, socket)
      },
      failed: (reason) => {
        // Who comes and goes without a word, as checks of a port do, has not tried.
        if (client.raw.bytesRead === 0 && !reason.includes('timeout')) return
        this.#counts.countHandshakeError()
        const { number, peer } = client
        if (this.#events.watched) this.#events.failed(number, peer, HANDSHAKE_FAILED, reason)
      },
    })
  }

  #server(clientCertificates: ClientCertificates): SecureServer {
    let server = this.#servers.get(clientCertificates)
    if (server === undefined) {
      server = new SecureServer({ ...this.#options, clientCertificates })
      this.#servers.set(clientCertificates, server)
    }
    return server
  }
}

/** The client is gone, which has nothing to do with TLS. */
function isReset({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT'
}
