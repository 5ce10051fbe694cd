// One address at which clients come: TCP or a unix socket. Knows how a socket is bound and given up; not what a client is.
import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { ArgumentError } from '../errors.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
  /** Of a unix socket; empty for TCP. */
  readonly path: string
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

  /** Resolves when it listens. Rejects with what the system says. */
  static async open(address: ListenAddress, onClient: (socket: Socket) => void): Promise<Listener> {
    // A client that has said all may still wait for answers.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onClient)
    const { host, port, path } = address
    if (path !== '') await removeLeftBehind(path)
    server.listen({ ...(path === '' ? { host, port } : { path }), backlog: 1024 })
    await once(server, 'listening')
    // Running out of descriptors ends one connection, not the listener.
    server.on('error', () => {})
    return new Listener(address, server)
  }

  private constructor(address: ListenAddress, server: Server) {
    this.address = address
    this.#server = server
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
