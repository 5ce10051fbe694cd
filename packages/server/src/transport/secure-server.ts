// The server's half of TLS for sockets that are accepted elsewhere: Node's, which does all of the encryption. Knows
// certificates and handshakes; what is served over it is not its business.
import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureVersion, type Server, type TLSSocket } from 'node:tls'
import type { Lock } from '../cache/lock.ts'
import type { CertificateMaterial, Certificates } from './certificates.ts'
import type { ClientCertificates } from './listeners.ts'

export interface TlsOptions {
  readonly minVersion: SecureVersion
  /** In OpenSSL's notation; undefined: Node's own choice. */
  readonly ciphers: string | undefined
  /** Clients may come back with the session of an earlier connection. */
  readonly sessionsResumed: boolean
}

export interface SecureServerOptions extends TlsOptions {
  readonly clientCertificates: ClientCertificates
  /** Read under the lock. */
  readonly certificates: Certificates
  readonly lock: Lock
}

/** What becomes of a handshake. */
export interface HandshakeOutcome {
  done(socket: TLSSocket): void
  /** The socket is being destroyed. */
  failed(reason: string): void
}

/** Who has not shaken hands by then is closed: a connection that may not speak yet is one of `-c` all the same. */
export const HANDSHAKE_MS = 10_000
/** As memcached calls its sessions. */
const SESSION_CONTEXT = 'memcached'

export class SecureServer {
  readonly #options: SecureServerOptions
  readonly #server: Server
  #generation: number
  /** Handshakes under way, by the two ends of the connection: Node names the socket below in no event. */
  readonly #handshakes = new Map<string, HandshakeOutcome>()

  constructor(options: SecureServerOptions) {
    this.#options = options
    const { certificates, clientCertificates } = options
    this.#generation = certificates.generation
    const material = this.#material()
    const server = createServer({
      ...contextOptions(options, material),
      requestCert: clientCertificates !== 'ignored',
      rejectUnauthorized: clientCertificates === 'required',
      handshakeTimeout: HANDSHAKE_MS,
      allowHalfOpen: true,
      ticketKeys: Buffer.from(material.ticketKeys, 'base64'),
    })
    server.on('secureConnection', (socket) => this.#secured(socket))
    server.on('tlsClientError', (error, socket) => {
      this.#take(socket)?.failed(reasonOf(error, socket))
      socket.destroy()
    })
    this.#server = server
  }

  /** Begins the handshake with whoever is at the other end. */
  accept(socket: Socket, outcome: HandshakeOutcome): void {
    this.#refresh()
    const ends = endsOf(socket)
    if (ends === undefined) {
      socket.destroy()
      return
    }
    this.#handshakes.set(ends, outcome)
    socket.once('close', () => {
      if (this.#handshakes.get(ends) === outcome) this.#handshakes.delete(ends)
    })
    this.#server.emit('connection', socket)
  }

  /** From the next handshake on with the certificates that there are by now; connections keep theirs. */
  #refresh(): void {
    const { generation } = this.#options.certificates
    if (generation === this.#generation) return
    this.#generation = generation
    const material = this.#material()
    this.#server.setSecureContext(contextOptions(this.#options, material))
    // A session that an earlier authority has let in must not be resumed.
    this.#server.setTicketKeys(Buffer.from(material.ticketKeys, 'base64'))
  }

  #material(): CertificateMaterial {
    const { lock, certificates } = this.#options
    lock.acquire()
    const material = certificates.read()
    lock.release()
    return material
  }

  #secured(socket: TLSSocket): void {
    const outcome = this.#take(socket)
    // A certificate that is not demanded must be a good one all the same.
    const refused =
      this.#options.clientCertificates === 'optional' &&
      !socket.authorized &&
      Object.keys(socket.getPeerCertificate()).length > 0
    if (refused) outcome?.failed(`client certificate: ${String(socket.authorizationError)}`)
    if (refused || outcome === undefined) socket.destroy()
    else outcome.done(socket)
  }

  #take(socket: Socket): HandshakeOutcome | undefined {
    const ends = endsOf(socket)
    if (ends === undefined) return undefined
    const outcome = this.#handshakes.get(ends)
    this.#handshakes.delete(ends)
    return outcome
  }
}

function contextOptions(
  { minVersion, ciphers, sessionsResumed }: TlsOptions,
  { certificate, key, authorities }: CertificateMaterial,
): {
  cert: string
  key: string
  ca?: string
  ciphers?: string
  minVersion: SecureVersion
  secureOptions: number
  sessionIdContext: string
} {
  return {
    cert: certificate,
    key,
    ...(authorities !== undefined && { ca: authorities }),
    ...(ciphers !== undefined && { ciphers }),
    minVersion,
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | (sessionsResumed ? 0 : constants.SSL_OP_NO_TICKET),
    sessionIdContext: SESSION_CONTEXT,
  }
}

/** Undefined for a connection that is gone. */
function endsOf({
  remoteAddress,
  remotePort,
  localAddress,
  localPort,
}: Socket): string | undefined {
  if (remoteAddress === undefined) return undefined
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

/** In words for an operator: what Node says, or why a client's certificate is none. */
function reasonOf(error: Error, { authorizationError }: TLSSocket): string {
  if (authorizationError) return `client certificate: ${String(authorizationError)}`
  const { code, reason } = error as Error & { readonly code?: string; readonly reason?: string }
  return reason ?? (code === 'ECONNRESET' ? 'closed in the handshake' : error.message)
}
