// Where clients of a listener shake hands before they are served. It never listens itself, so that other certificates,
// or none, can take its place while the listener stays. Knows TLS; no session and no file.
import type { Socket } from 'node:net'
import { createServer, type Server } from 'node:tls'

export interface ListenTls {
  /** In PEM, as the others. */
  readonly cert: string
  readonly key: string
  /** Who has signed the certificates of clients. */
  readonly ca: string | undefined
  readonly clientCertificates: 'ignored' | 'optional' | 'required'
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

export interface EntranceOwner {
  /** A client may be served; a TLS socket for one that has shaken hands. */
  accepted(socket: Socket): void
  /** Whether there is room for one more to shake hands. If so, `endedHandshake` follows. */
  beginsHandshake(): boolean
  endedHandshake(succeeded: boolean): void
}

const HANDSHAKE_TIMEOUT_MS = 10_000

export class TlsEntrance {
  readonly tls: ListenTls
  readonly #server: Server
  readonly #owner: EntranceOwner

  constructor(tls: ListenTls, owner: EntranceOwner) {
    const { cert, key, ca, clientCertificates, minVersion } = tls
    this.tls = tls
    this.#owner = owner
    this.#server = createServer({
      cert,
      key,
      ca,
      minVersion,
      requestCert: clientCertificates !== 'ignored',
      rejectUnauthorized: clientCertificates === 'required',
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    })
    this.#server.on('secureConnection', (socket) => {
      socket.ref()
      // A client that has said all may still wait for answers.
      socket.allowHalfOpen = true
      owner.endedHandshake(true)
      owner.accepted(socket)
    })
    // Whoever speaks no TLS, trusts somebody else, comes without a certificate, hangs up, or says nothing.
    this.#server.on('tlsClientError', (_, socket) => {
      owner.endedHandshake(false)
      socket.destroy()
    })
  }

  take(socket: Socket): void {
    socket.on('error', () => {})
    if (!this.#owner.beginsHandshake()) {
      socket.destroy()
      return
    }
    // Who has not shaken hands yet doesn't keep the process from its end.
    socket.unref()
    // Who hangs up before has its place no longer.
    socket.allowHalfOpen = false
    this.#server.emit('connection', socket)
  }
}
