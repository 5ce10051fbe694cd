// How sockets to one node are made: TCP, a unix socket, or TLS over TCP, whose session is kept so that
// later connections shorten the handshake. Knows addresses and certificates, no command and no call.
import { connect, isIP, type OnReadOpts, type Socket } from 'node:net'
import { type ConnectionOptions as TlsConnectionOptions, connect as tlsConnect } from 'node:tls'
import type { NodeAddress } from './address.ts'

const KEEP_ALIVE_MS = 30_000

export class Transport {
  readonly #address: NodeAddress
  readonly #tls: TlsConnectionOptions | false
  #session: Buffer | undefined

  /** `tls` is for nodes on TCP that say nothing about it themselves. */
  constructor(address: NodeAddress, tls: TlsConnectionOptions | false) {
    this.#address = address
    this.#tls = address.path === '' && (address.tls ?? tls)
  }

  /**
   * Begins to connect; `onReady` is called when commands can be sent. With `onread` reads go to its buffer,
   * past the stream's queue and its buffer per read.
   */
  open(onread: OnReadOpts | undefined, onReady: () => void): Socket {
    const { host, port, path } = this.#address
    if (this.#tls !== false) return this.#openTls(this.#tls, onread, onReady)
    const peer = path === '' ? { host, port } : { path }
    const socket = connect({
      ...peer,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      ...(onread && { onread }),
    })
    return socket.once('connect', onReady)
  }

  /**
   * Ends a connection that has failed. What the kernel has not brought to the node yet must not arrive there once the
   * network is well again, after newer writes on the next connection: a reset drops it, which closing would not. TLS and
   * unix sockets can't be reset.
   */
  abort(socket: Socket): void {
    const isTcp = this.#tls === false && this.#address.path === ''
    // Whom the node has said good-bye to already it doesn't read any more.
    if (isTcp && !socket.destroyed && !socket.readableEnded) socket.resetAndDestroy()
    else socket.destroy()
  }

  #openTls(tls: TlsConnectionOptions, onread: OnReadOpts | undefined, onReady: () => void): Socket {
    const { host, port } = this.#address
    const options = {
      // A name is asked for and checked; an address is only checked.
      servername: isIP(host) === 0 ? host : '',
      ...tls,
      ...(this.#session && { session: this.#session }),
      host,
      port,
      path: undefined,
      socket: undefined,
      // Not in the types of Node 20, but in what it takes.
      ...(onread && { onread }),
    }
    const socket = tlsConnect(options)
    socket.on('session', (session) => {
      this.#session = session
    })
    // Of these, `tlsConnect` has no options.
    socket.once('connect', () => socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS))
    return socket.once('secureConnect', onReady)
  }
}
