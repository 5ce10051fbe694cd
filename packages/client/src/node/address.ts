// Where a node listens and what it is called: the forms a user may write, turned into one.
// Knows no connection, and resolves no name.
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls'
import { ArgumentError } from '../errors.ts'
import { DEFAULT_PORT, hostAndUnusualPort, type Naming } from '../ring/naming.ts'
import { parseTls, type TlsOptions } from './tls.ts'

/** A node as an object; everything but `host` or `path` has a default. */
export interface NodeOptions {
  /** A host name or address, without brackets. */
  readonly host?: string
  /** Default 11211. */
  readonly port?: number
  /** A unix socket, instead of host and port. */
  readonly path?: string
  /** Share of the keys relative to the other nodes, above 0. Default 1. */
  readonly weight?: number
  /**
   * What the node is called on the ring. Its keys stay with the name, whatever its address becomes.
   * Default: what `compat` calls it; without `compat` `host`, or `host:port` when the port is not 11211,
   * or the path: libmemcached's naming.
   */
  readonly name?: string
  /** Instead of the client's; only with a host. */
  readonly tls?: TlsOptions
}

/** `host`, `host:port`, `[v6]`, `[v6]:port`, a path of a unix socket, or an object. */
export type NodeSpec = string | NodeOptions

export interface NodeAddress {
  readonly name: string
  readonly weight: number
  readonly host: string
  readonly port: number
  /** Empty for TCP. */
  readonly path: string
  /** Undefined: as the client says. */
  readonly tls: TlsConnectionOptions | false | undefined
}

/** `naming` is for nodes without a name. @throws ArgumentError when it is none of the forms. */
export function parseNode(spec: NodeSpec, naming: Naming = hostAndUnusualPort): NodeAddress {
  const options = typeof spec === 'string' ? parseText(spec) : spec
  const { host = '', port = DEFAULT_PORT, path = '', weight = 1, tls } = options
  // Without the keys that may be in `tls`.
  const written = JSON.stringify(typeof spec === 'string' ? spec : { ...spec, tls: undefined })
  if ((host === '') === (path === '')) {
    throw new ArgumentError(`the node ${written} needs either a host or a path`)
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ArgumentError(`the node ${written} needs a port from 1 to 65535`)
  }
  if (!(weight > 0 && weight <= 1000)) {
    throw new ArgumentError(`the node ${written} needs a weight above 0, up to 1000`)
  }
  if (path !== '' && tls !== undefined && tls !== false) {
    throw new ArgumentError(`the node ${written} is a unix socket, which has no TLS`)
  }
  return {
    name: options.name ?? naming(host, port, path),
    weight,
    host,
    port,
    path,
    tls: tls === undefined ? undefined : parseTls(tls),
  }
}

function parseText(text: string): NodeOptions {
  if (text.startsWith('/') || text.startsWith('./')) return { path: text }
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text)
  const plain = /^([^:[\]\s]+)(?::(\d+))?$/.exec(text)
  const [, host = '', port] = bracketed ?? plain ?? []
  if (host === '') {
    throw new ArgumentError(
      `${JSON.stringify(text)} is no node: write host, host:port, [v6]:port or /path/of/socket`,
    )
  }
  return port === undefined ? { host } : { host, port: Number(port) }
}
