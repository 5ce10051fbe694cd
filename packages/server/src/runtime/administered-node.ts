// A server as those see it who look after it: a client of its cache in this thread, where its own sockets are reached,
// and what its health depends on. Knows no HTTP and no service manager.
import type { NetConnectOpts } from 'node:net'
import type { AdministeredNode } from '../admin/admin-server.ts'
import { InProcessClient } from '../admin/in-process-client.ts'
import type { Cache } from '../cache/cache.ts'
import { Engine } from '../protocol/engine.ts'
import { type ConnectionCounts, RUNNING } from '../transport/connection-counts.ts'
import { ServerHost, type Tell } from './server-host.ts'
import type { Settings } from './settings.ts'
import { SERVER_VERSION } from './version.ts'
import type { WorkerTransport } from './worker-messages.ts'

/** What of a server its admin port is about. */
export interface AdministeredServer {
  readonly settings: Settings
  readonly cache: Cache
  readonly counts: ConnectionCounts
  readonly transport: WorkerTransport['kind']
  /** The memory of certificates; undefined without TLS. */
  readonly certificates: SharedArrayBuffer | undefined
  /** Where clients come to, in words. */
  readonly addresses: readonly string[]
  readonly tell: Tell
}

export function administeredNode(
  server: AdministeredServer,
  starting: () => boolean,
): AdministeredNode {
  const { settings, cache, counts, transport, certificates, addresses, tell } = server
  // Who can reach this thread needs no login.
  const shared = { settings, transport: { kind: transport }, certificates }
  const work = { ...shared, credentials: undefined, trusted: true }
  const engine = new Engine(cache, new ServerHost(work, cache, counts, tell))
  const client = new InProcessClient(engine, cache.arena)
  return {
    client,
    about: {
      addresses,
      version: SERVER_VERSION,
      transport,
      threads: transport === 'node' ? 1 : settings.threads,
      pid: process.pid,
      maxConnections: settings.maxConnections,
    },
    dumpEnabled: settings.dumpEnabled,
    loginRequired: isLoginRequired(settings),
    endpoint: endpointOf(addresses),
    secure: isSecure(settings),
    greeting: greetingOf(settings),
    unready: () => {
      if (counts.stopState !== RUNNING) return 'stopping'
      return starting() ? 'starting' : undefined
    },
    accepting: () => counts.accepting && !counts.full,
    roundTrip: () => void client.ask('version'),
  }
}

/** What whoever comes may say to be answered. */
export function greetingOf({ bindingProtocol, saslEnabled }: Settings): string | Uint8Array {
  return bindingProtocol === 'binary' || saslEnabled ? BINARY_VERSION : 'version\r\n'
}

/** The binary protocol's `version`, for listeners that speak nothing else. */
const BINARY_VERSION = new Uint8Array(24)
BINARY_VERSION.set([0x80, 0x0b])

export function isSecure({ tcpAddresses }: Settings): boolean {
  return (
    tcpAddresses.length > 0 && tcpAddresses.every((one) => one.clientCertificates !== undefined)
  )
}

/** A password, or a certificate, is asked of every client on TCP. */
function isLoginRequired({ authFile, saslEnabled, tcpAddresses }: Settings): boolean {
  if (authFile !== undefined || saslEnabled) return true
  return (
    tcpAddresses.length > 0 &&
    tcpAddresses.every(({ clientCertificates }) => clientCertificates === 'required')
  )
}

/** How this process reaches the first of its listeners that takes connections. */
export function endpointOf(addresses: readonly string[]): NetConnectOpts | undefined {
  for (const address of addresses) {
    if (address.startsWith('udp:')) continue
    if (address.startsWith('/')) return { path: address }
    const [, host = '', port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(address) ?? []
    if (port === undefined) return { path: address }
    const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
    return { host: own, port: Number(port) }
  }
  return undefined
}
