// One address at which clients come: TCP, with TLS if they have to, or a unix socket. Knows how a socket is bound and given
// up; not what a client is.
import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { ArgumentError } from '../errors.ts'
import { type EntranceOwner, type ListenTls, TlsEntrance } from './tls-entrance.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
  /** Of a unix socket; empty for TCP. */
  readonly path: string
}

export interface ListenConfiguration extends ListenAddress {
  readonly tls: ListenTls | undefined
}

export function isSameAddress(one: ListenAddress, other: ListenAddress): boolean {
  return one.host === other.host && one.port === other.port && one.path === other.path
}

/** `host:port`, `:port`, `port`, `[v6]:port` or a path that begins with / or `./`. @throws ArgumentError */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('/') || text.startsWith('./')) return { host: '', port: 0, path: text }
  const [, v6, plain = '', port] = /^(?:(?:\[([^\]]+)\]|([^:[\]\s]*)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535) {
    throw new ArgumentError(
      `${JSON.stringify(text)} is nowhere to listen: write host:port, port or /path/of/socket`,
    )
  }
  return { host: v6 ?? (plain || '127.0.0.1'), port: Number(port), path: '' }
}

export function textOfListenAddress({ host, port, path }: ListenAddress): string {
  if (path !== '') return path
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export class Listener {
  readonly address: ListenAddress
  readonly #server: Server
  readonly #owner: EntranceOwner
  #entrance: TlsEntrance | undefined

  /** Resolves when it listens. Rejects with what the system says. */
  static async open(address: ListenConfiguration, owner: EntranceOwner): Promise<Listener> {
    // A client that has said all may still wait for answers.
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    const listener = new Listener(address, server, owner)
    listener.tls = address.tls
    const { host, port, path } = address
    if (path !== '') await removeLeftBehind(path)
    server.listen({ ...(path === '' ? { host, port } : { path }), backlog: 1024 })
    await once(server, 'listening')
    // Running out of descriptors ends one connection, not the listener.
    server.on('error', () => {})
    return listener
  }

  private constructor(address: ListenAddress, server: Server, owner: EntranceOwner) {
    this.address = address
    this.#server = server
    this.#owner = owner
    server.on('connection', (socket: Socket) => {
      if (this.#entrance === undefined) owner.accepted(socket)
      else this.#entrance.take(socket)
    })
  }

  /** For clients that come from now on; those that are there stay as they are. */
  set tls(tls: ListenTls | undefined) {
    // What has not changed goes on, so that sessions can be resumed.
    if (isDeepStrictEqual(tls, this.#entrance?.tls)) return
    this.#entrance = tls && new TlsEntrance(tls, this.#owner)
  }

  /** Where it really listens: the port that was given when any would do. */
  get actual(): ListenAddress {
    const bound = this.#server.address()
    if (bound === null || typeof bound === 'string') return this.address
    return { ...this.address, port: bound.port }
  }

  /** Takes no more clients; those that are there stay. */
  close(): void {
    this.#server.close()
  }
}

/** The socket of a process that died can't be bound again while its file is there. */
async function removeLeftBehind(path: string): Promise<void> {
  const isSocket = await lstat(path).then(
    (status) => status.isSocket(),
    () => false,
  )
  if (!isSocket) return
  const isServed = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
  if (!isServed) await unlink(path)
}
