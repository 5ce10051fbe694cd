// Where a server listens: reads it from text, resolves its name, and asks what answers there.
// Knows no load.
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { BenchError } from '../errors.ts'
import { type TlsSettings, tlsOptions } from './tls.ts'

export type ServerAddress =
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      /** What the host was resolved from. */
      readonly name?: string
    }
  | { readonly kind: 'unix'; readonly path: string }

/** A server that was reached. */
export interface ReachedServer {
  /** With a numeric host. */
  readonly address: ServerAddress
  /** As in its answer to `version`; undefined when it gave no such answer. */
  readonly version: string | undefined
}

const PORT_MAX = 65_535
const DEFAULT_PORT = 11_211
const REACH_DEADLINE_MS = 3_000

/** Reads `host`, `host:port`, `[::1]:port` or, where there is a slash, the path of a unix socket. */
export function parseAddress(text: string): ServerAddress {
  if (text.includes('/')) return { kind: 'unix', path: text }
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3] ?? DEFAULT_PORT)
  if (host === undefined || port < 1 || port > PORT_MAX) {
    throw new BenchError(
      'USAGE',
      `"${text}" is no server: write host:port, [IPv6]:port, or the path of a unix socket`,
    )
  }
  return { kind: 'tcp', host, port }
}

export function formatAddress(address: ServerAddress): string {
  if (address.kind === 'unix') return address.path
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host
  return `${host}:${address.port}`
}

/** A socket of node's own, on its way to be connected; with TLS it says so by `secureConnect`. */
export function connectTo(address: ServerAddress, tls?: TlsSettings): Socket {
  const place =
    address.kind === 'unix'
      ? { path: address.path }
      : { host: address.host, port: address.port, noDelay: true }
  if (!tls) return connect(place)
  // A certificate is of a name, not of the address that it was resolved to.
  const name =
    address.kind === 'tcp' && address.name !== undefined ? { servername: address.name } : {}
  return connectSecurely({ ...place, ...name, ...tlsOptions(tls) })
}

/** Connects once, so that a server that isn't there is told before any load is made. */
export async function reachServer(
  address: ServerAddress,
  tls?: TlsSettings,
): Promise<ReachedServer> {
  const resolved = await resolveHost(address)
  const answer = await askVersion(resolved, tls)
  const version = /^VERSION (.+?)\r\n/.exec(answer)?.[1]
  return { address: resolved, version }
}

async function resolveHost(address: ServerAddress): Promise<ServerAddress> {
  if (address.kind === 'unix' || isIP(address.host) !== 0) return address
  try {
    return { ...address, host: (await lookup(address.host)).address, name: address.host }
  } catch (cause) {
    throw new BenchError('CANNOT_CONNECT', `the name ${address.host} cannot be resolved`, { cause })
  }
}

/** Resolves to whatever comes first in answer to `version`, or nothing if the server stays silent. */
function askVersion(address: ServerAddress, tls: TlsSettings | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(address, tls)
    let connected = false
    const refuse = (reason: string): void => {
      socket.destroy()
      reject(
        new BenchError(
          'CANNOT_CONNECT',
          `no server at ${formatAddress(address)} (${reason}): start one, or name another with --server`,
        ),
      )
    }
    socket.setTimeout(REACH_DEADLINE_MS, () => {
      if (!connected) refuse(`no answer within ${REACH_DEADLINE_MS} ms`)
      else settle('')
    })
    const settle = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      connected = true
      socket.write('version\r\n')
    })
    socket.once('data', (data) => settle(data.toString('latin1')))
    socket.once('end', () => settle(''))
    socket.once('error', (error: NodeJS.ErrnoException) => refuse(error.code ?? error.message))
  })
}
