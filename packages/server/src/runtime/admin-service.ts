// The admin port of a server: gives it a client of the cache in this thread, what health depends on, and its token.
// Loaded for `--admin` alone.
import { readFileSync } from 'node:fs'
import type { NetConnectOpts } from 'node:net'
import { type AdministeredNode, AdminServer } from '../admin/admin-server.ts'
import { InProcessClient } from '../admin/in-process-client.ts'
import type { Cache } from '../cache/cache.ts'
import { Engine } from '../protocol/engine.ts'
import { type ConnectionCounts, RUNNING } from '../transport/connection-counts.ts'
import type { Log } from './log.ts'
import { ServerHost, type Tell } from './server-host.ts'
import type { Settings } from './settings.ts'
import { StartError } from './start-error.ts'
import type { WorkerTransport } from './worker-messages.ts'

export interface AdminService {
  /** Where it listens, in words. */
  readonly address: string
  /** Clients may come. */
  serving(): void
  /** Reads the file of `--admin-token-file` again; one that can't be used changes nothing. */
  reload(): void
  close(): void
}

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

/** A token that could be guessed is none. */
const MIN_TOKEN_LENGTH = 16

/** Resolves when it listens. @throws StartError when it can't. */
export async function openAdminService(
  server: AdministeredServer,
  log: Log,
): Promise<AdminService | undefined> {
  const { adminAddress, adminTokenFile } = server.settings
  if (adminAddress === undefined) return undefined
  const readToken = (): string | undefined =>
    adminTokenFile === undefined ? undefined : readTokenFile(adminTokenFile)
  let starting = true
  const node = administered(server, () => starting)
  const admin = new AdminServer(node, {
    address: adminAddress,
    token: readToken(),
    report: {
      acted: (what) => log.info(what, 'admin action'),
      refused: (why) => log.warn(why, 'admin request without the token refused'),
      failed: (error) => log.error({ err: error }, 'an admin request failed'),
    },
  })
  const address = await admin.listen().catch((error: Error) => {
    const { host = '*', port } = adminAddress
    throw new StartError(
      `can't open the admin port (--admin ${host}:${port}): ${error.message}; give it another address`,
    )
  })
  log.info({ address }, 'admin port open')
  return {
    address,
    serving: () => {
      starting = false
    },
    reload: () => {
      try {
        admin.token = readToken()
      } catch (error) {
        log.error(error instanceof Error ? error.message : String(error))
      }
    },
    close: () => admin.close(),
  }
}

function administered(server: AdministeredServer, starting: () => boolean): AdministeredNode {
  const { settings, cache, counts, transport, certificates, addresses, tell } = server
  // Who can reach this thread needs no login.
  const shared = { settings, transport: { kind: transport }, certificates }
  const work = { ...shared, credentials: undefined, trusted: true }
  const engine = new Engine(cache, new ServerHost(work, cache, counts, tell))
  const client = new InProcessClient(engine, cache.arena)
  const binary = settings.bindingProtocol === 'binary' || settings.saslEnabled
  return {
    client,
    endpoint: endpointOf(addresses),
    secure: isSecure(settings),
    greeting: binary ? BINARY_VERSION : 'version\r\n',
    unready: () => {
      if (counts.stopState !== RUNNING) return 'stopping'
      return starting() ? 'starting' : undefined
    },
    accepting: () => counts.accepting && !counts.full,
    roundTrip: () => void client.ask('version'),
  }
}

/** The binary protocol's `version`, for listeners that speak nothing else. */
const BINARY_VERSION = new Uint8Array(24)
BINARY_VERSION.set([0x80, 0x0b])

function isSecure({ tcpAddresses }: Settings): boolean {
  return (
    tcpAddresses.length > 0 && tcpAddresses.every((one) => one.clientCertificates !== undefined)
  )
}

/** How this process reaches the first of its listeners that takes connections. */
function endpointOf(addresses: readonly string[]): NetConnectOpts | undefined {
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

function readTokenFile(path: string): string {
  let token: string
  try {
    token = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartError(`can't read the admin token (--admin-token-file ${path}): ${why}`)
  }
  if (token.length < MIN_TOKEN_LENGTH || /[^!-~]/.test(token)) {
    throw new StartError(
      `the admin token (--admin-token-file ${path}) must be a line of at least ${MIN_TOKEN_LENGTH} printable characters without spaces`,
    )
  }
  return token
}
