// What a node without a name of its own is called on the ring: clients that are to agree on the places of keys
// must agree on that. Knows neither rings nor sockets.

/** Names a node by its host and port, or by its unix socket, when that isn't empty. */
export type Naming = (host: string, port: number, path: string) => string

export const DEFAULT_PORT = 11211

/** libmemcached's: the port only when it is not 11211. */
export const hostAndUnusualPort: Naming = (host, port, path) =>
  path !== '' ? path : port === DEFAULT_PORT ? host : `${host}:${port}`

/** `host:port`, whatever the port. */
export const hostAndPort: Naming = (host, port, path) => (path !== '' ? path : `${host}:${port}`)

/** As `hostAndPort`, with the brackets that are usual around an IPv6 address. */
export const bracketedHostAndPort: Naming = (host, port, path) =>
  hostAndPort(host.includes(':') ? `[${host}]` : host, port, path)

/** libmemcached's, as pylibmc calls it: a unix socket has port 0. */
export const pylibmcName: Naming = (host, port, path) =>
  path !== '' ? `${path}:0` : hostAndUnusualPort(host, port, path)

/** hashring's with the default port that npm's `memcached` gives it. */
export const hashringName: Naming = (host, port, path) =>
  host.includes(':') ? bracketedHostAndPort(host, port, path) : hostAndUnusualPort(host, port, path)
