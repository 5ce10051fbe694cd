// The clients that can be measured: ours, and those of npm, which need not be installed.
// Knows where each comes from and what is to be known of its settings; the adapters know its methods.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BenchError } from '../errors.ts'
import type { OpenClient } from './adapter.ts'
import { openMemcache } from './adapters/memcache.ts'
import { openMemcacheClient } from './adapters/memcache-client.ts'
import { openMemcached } from './adapters/memcached.ts'
import { openMemjs } from './adapters/memjs.ts'
import { openMemshard } from './adapters/memshard.ts'

export interface KnownClient {
  /** What the report calls it. */
  readonly name: string
  readonly package: string
  /** Undefined for bare sockets, which are no client. */
  readonly open: OpenClient | undefined
  /** False: it takes several servers for copies of one another. */
  readonly shards: boolean
  /** What is set, and what to know of it, for the report. */
  readonly settings: string
}

/** Ours first: the others are held against it. Last the sockets that all of them stand on. */
export const KNOWN_CLIENTS: readonly KnownClient[] = [
  {
    name: 'memshard',
    package: '@memshard/client',
    open: openMemshard,
    shards: true,
    settings: 'one connection per node; timeout 5 s',
  },
  {
    name: 'memjs',
    package: 'memjs',
    open: openMemjs,
    shards: true,
    settings:
      'one connection per node, binary protocol; timeout 5 s; no multi-get: all gets at once; gives bytes, which are not made text',
  },
  {
    name: 'memcached',
    package: 'memcached',
    open: openMemcached,
    shards: true,
    settings: 'up to 25 connections per node; its callbacks made promises',
  },
  {
    name: 'memcache-client',
    package: 'memcache-client',
    open: openMemcacheClient,
    shards: false,
    settings:
      'one connection, noDelay; it does not shard: where the others have four nodes it has one, which is less work and not compared',
  },
  {
    name: 'memcache',
    package: 'memcache',
    open: openMemcache,
    shards: true,
    settings: 'defaults, connected beforehand',
  },
  {
    name: 'node:net',
    package: 'node:net',
    open: undefined,
    shards: true,
    settings:
      'no client but what none can be cheaper than: the calls of all callers as one prepared write per node, the bytes of the answers counted',
  },
]

export const OURS = KNOWN_CLIENTS[0]!

export interface InstalledClient extends KnownClient {
  readonly version: string
}

/** Throws a BenchError for a name that is none. */
export function knownClient(name: string): KnownClient {
  const found = KNOWN_CLIENTS.find((client) => client.name === name)
  if (found) return found
  const names = KNOWN_CLIENTS.map((client) => client.name).join(', ')
  throw new BenchError('USAGE', `there is no client "${name}": choose from ${names}`)
}

/**
 * Those of the names that are installed, and of all when there are no names; ours is always among them.
 * Throws a BenchError when one of the names is missing.
 */
export function installedClients(names: readonly string[] | undefined): {
  readonly clients: readonly InstalledClient[]
  readonly missing: readonly KnownClient[]
} {
  const wanted = KNOWN_CLIENTS.filter(({ name }) => names?.includes(name) ?? true)
  const clients = wanted.flatMap((client) => installed(client) ?? [])
  const missing = wanted.filter(({ name }) => !clients.some((client) => client.name === name))
  if (names !== undefined && missing.length > 0) {
    throw new BenchError('CANNOT_START', `${howToInstall(missing)} comes first: it is not there`)
  }
  return { clients, missing }
}

function installed(client: KnownClient): InstalledClient | undefined {
  if (client.open === undefined) return { ...client, version: process.version }
  try {
    const path = createRequire(import.meta.url).resolve(`${client.package}/package.json`)
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
    return { ...client, version }
  } catch {
    return undefined
  }
}

/** What to type for those that are missing. */
export function howToInstall(missing: readonly KnownClient[]): string {
  return `npm install --no-save ${missing.map((client) => client.package).join(' ')}`
}
