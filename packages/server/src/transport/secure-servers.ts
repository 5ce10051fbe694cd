// Lets clients of TLS listeners in: a server of TLS for each way to treat their certificates, made for the first who
// comes, and what becomes of each handshake. Knows neither listeners nor commands.
import type { ConnectionCounts } from './connection-counts.ts'
import type { ClientCertificates } from './listeners.ts'
import type { NodeClient, NodeClients } from './node-clients.ts'
import { SecureServer, type SecureServerOptions } from './secure-server.ts'

export class SecureServers {
  readonly #options: Omit<SecureServerOptions, 'clientCertificates'>
  readonly #counts: ConnectionCounts
  readonly #servers = new Map<ClientCertificates, SecureServer>()

  constructor(options: Omit<SecureServerOptions, 'clientCertificates'>, counts: ConnectionCounts) {
    this.#options = options
    this.#counts = counts
  }

  /** Shakes hands with a client, who is served from then on. */
  accept(clientCertificates: ClientCertificates, client: NodeClient, clients: NodeClients): void {
    this.#server(clientCertificates).accept(client.raw, {
      done: (socket) => {
        if (!socket.isSessionReused()) this.#counts.countNewSession()
        socket.on('error', () => {
          this.#counts.countSecureError()
          socket.destroy()
        })
        clients.begin(client, socket)
      },
      failed: () => {
        // Who comes and goes without a word, as checks of a port do, has not tried.
        if (client.raw.bytesRead > 0) this.#counts.countHandshakeError()
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
