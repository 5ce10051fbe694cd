// What a server is told at its start: every setting by its full name and unit, with memcached 1.6.45's
// defaults. Plain data that can be sent to a thread; knows nothing of flags, nor of who obeys a setting.
import type { AdminAddress } from '../admin/admin-server.ts'
import type { PrefixLimit } from '../cache/prefix-limits.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import type { ListenAddress } from '../transport/listeners.ts'
import type { RegistrationSettings } from './registration-settings.ts'
import type { TlsSettings } from './tls-settings.ts'

export type HashAlgorithm = 'jenkins' | 'murmur3' | 'xxh3'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
export type TransportChoice = 'auto' | 'uring' | 'epoll' | 'node'

export interface Settings {
  /** `-m`: the memory for items. */
  readonly memoryLimitBytes: number
  /** `-M` turns them off: a full cache then refuses to store. */
  readonly evictionsEnabled: boolean
  /** `-C` turns it off. */
  readonly casEnabled: boolean
  /** `-I`: the largest item, header and key included. */
  readonly maxItemSizeBytes: number

  /** `-f`: the ratio of neighbouring slab classes' chunk sizes; above 1. */
  readonly growthFactor: number
  /** `-n`: what the smallest slab class has for key, value and flags. */
  readonly minimumItemSpaceBytes: number
  /** `-o slab_chunk_max`: the largest chunk; an item beyond it is kept in several. */
  readonly slabChunkMaxBytes: number
  /** `-o slab_sizes`: the classes' chunk sizes, ascending, instead of those `growthFactor` makes. */
  readonly slabSizesBytes: readonly number[] | undefined
  /** `-o slab_reassign`: whether a slab page may move from class to class. */
  readonly slabReassignEnabled: boolean
  /** 0 never moves a slab page, 1 moves one when the classes' ages ask for it, 2 on every eviction. */
  readonly slabAutomove: number
  /** The automover acts when the youngest class is younger than this share of the oldest; (0, 1]. */
  readonly slabAutomoveRatio: number
  /** Samples, one a second, the automover decides by; 3 to 1800. */
  readonly slabAutomoveWindow: number
  /** `T_MEMD_INITIAL_MALLOC`: counts as used from the start; for tests of large limits. */
  readonly initialMallocedBytes: number

  /** `-o hashpower`: 2 to this power buckets at the start; 0 leaves it to the hash table. */
  readonly hashPowerInitial: number
  readonly hashExpansionEnabled: boolean
  readonly hashAlgorithm: HashAlgorithm

  /** Whether each class has HOT, WARM and COLD lists; else one. */
  readonly lruSegmented: boolean
  readonly lruMaintainerEnabled: boolean
  /** `-o no_lru_admission` turns it off: what is new may then evict whatever is older, as in memcached. */
  readonly lruAdmissionEnabled: boolean
  readonly hotLruPercent: number
  readonly warmLruPercent: number
  /** An item leaves HOT when idle for longer than this many times the age of COLD's tail. */
  readonly hotMaxFactor: number
  readonly warmMaxFactor: number
  /** Items with a lifetime up to this go to the TEMP list; undefined: there is none. */
  readonly temporaryTtlSeconds: number | undefined
  readonly lruCrawlerEnabled: boolean
  /** The crawler's rest between items. */
  readonly lruCrawlerSleepMicroseconds: number
  /** Items a crawler looks at per class and run; 0: all. */
  readonly lruCrawlerItemsPerRun: number
  /** After how long a tail item that seems in use is taken to be leaked; 0: never. */
  readonly tailRepairSeconds: number
  /** `-o track_sizes`: count items by size for `stats sizes`. */
  readonly sizeTrackingEnabled: boolean
  /** `-o telemetry_samples`: of requests and of keys, a thread and second; 0 (`-o no_telemetry`): none. */
  readonly telemetrySamplesPerSecond: number
  /** `-o prefix_limit`: prefixes of keys under which only so much may be stored. */
  readonly prefixLimits: readonly PrefixLimit[]

  /** `-p` as given: -1 lets the system choose, 0 is off. Where to listen stands in `tcpAddresses`. */
  readonly tcpPort: number
  /** `-U`, in the same way. */
  readonly udpPort: number
  /** All TCP addresses to listen on, ports filled in; none with a unix socket or with port 0. */
  readonly tcpAddresses: readonly ListenAddress[]
  readonly udpAddresses: readonly ListenAddress[]
  /** The values of `-l`, joined by commas; undefined without one. */
  readonly interfacesAsGiven: string | undefined
  readonly unixSocketPath: string | undefined
  /** `-a`: the socket's permission bits. */
  readonly unixSocketMask: number
  readonly transport: TransportChoice
  readonly bindingProtocol: BindingProtocol
  /** `-S`: clients must log in by SASL. */
  readonly saslEnabled: boolean
  /** `MEMCACHED_SASL_PWDB`: the file of users and passwords for `-S`. */
  readonly saslPasswordFile: string | undefined
  /** `--trusted-network`: who can reach the server may use it, and no warning is wanted. */
  readonly networkTrusted: boolean
  /** `-Z` and `-o ssl_*`; undefined: no TLS. */
  readonly tls: TlsSettings | undefined
  readonly listenBacklog: number
  readonly maxConnections: number
  /** `-o maxconns_fast`: answer a connection over the limit with an error; else let it wait. */
  readonly rejectConnectionsOverLimit: boolean
  /** A connection silent for so long is closed; 0: never. */
  readonly idleTimeoutSeconds: number
  /** For all connections' read buffers together; 0: no limit. */
  readonly readBufferLimitBytes: number

  /** `-t`: worker threads. */
  readonly threads: number
  /** `-R`: requests a connection may make before the others have their turn. */
  readonly requestsPerEvent: number

  /** `-Y`: the file of those who may give commands; undefined: everybody may. */
  readonly authFile: string | undefined
  readonly flushEnabled: boolean
  /** `-X` turns off the commands that list keys. */
  readonly dumpEnabled: boolean
  readonly watchEnabled: boolean
  readonly shutdownCommandEnabled: boolean
  /** `-o debug_commands`: those of memcached's debug build. */
  readonly debugCommandsEnabled: boolean
  /** `-D`: one character that ends a key's prefix in `stats detail`. */
  readonly statsPrefixDelimiter: string
  readonly statsDetailEnabled: boolean
  readonly watcherLogBufferBytes: number
  readonly workerLogBufferBytes: number

  /** `--snapshot`: where the items are while the server is not; undefined: nowhere. */
  readonly snapshotFile: string | undefined
  readonly snapshotSeconds: number
  /** `--admin`: where metrics, health and the page for people are; undefined: nowhere. */
  readonly adminAddress: AdminAddress | undefined
  /** `--admin-token-file`: what those have to know who change something there. */
  readonly adminTokenFile: string | undefined
  /** `--register`: the etcd in which clients find the node; undefined: it is told nowhere. */
  readonly registration: RegistrationSettings | undefined
  /** `--admin-nodes`: the nodes of the formation that the page shows, as given. */
  readonly adminNodes: string | undefined

  /** The number of `-v`. */
  readonly verbosity: number
  /** From `LOG_LEVEL`, else from `verbosity`. */
  readonly logLevel: LogLevel
  /** `-u`: the name of the user to become. */
  readonly user: string | undefined
  /** `-L`: the cache's memory is to be in large pages. */
  readonly largePagesWanted: boolean
  /** `-k`: the cache's memory is not to be swapped. */
  readonly memoryLocked: boolean
  /** `-r`: a crash is to leave a core file. */
  readonly coreDumpsEnabled: boolean
  readonly daemonize: boolean
  readonly pidFile: string | undefined
  /** `-e`: the file that holds the items, which outlives the process. */
  readonly memoryFile: string | undefined
  /** `MEMCACHED_PORT_FILENAME`: the file that is told which ports are listened on. */
  readonly portFile: string | undefined
}

export const DEFAULT_TCP_PORT = 11211

const KIB = 1024
const MIB = 1024 * KIB

export const DEFAULT_SETTINGS: Settings = Object.freeze({
  memoryLimitBytes: 64 * MIB,
  evictionsEnabled: true,
  casEnabled: true,
  maxItemSizeBytes: MIB,

  growthFactor: 1.25,
  minimumItemSpaceBytes: 48,
  slabChunkMaxBytes: 512 * KIB,
  slabSizesBytes: undefined,
  slabReassignEnabled: true,
  slabAutomove: 1,
  slabAutomoveRatio: 0.8,
  slabAutomoveWindow: 10,
  initialMallocedBytes: 0,

  hashPowerInitial: 0,
  hashExpansionEnabled: true,
  hashAlgorithm: 'murmur3',

  lruSegmented: true,
  lruMaintainerEnabled: true,
  lruAdmissionEnabled: true,
  hotLruPercent: 20,
  warmLruPercent: 40,
  hotMaxFactor: 0.2,
  warmMaxFactor: 2,
  temporaryTtlSeconds: undefined,
  lruCrawlerEnabled: true,
  lruCrawlerSleepMicroseconds: 100,
  lruCrawlerItemsPerRun: 0,
  tailRepairSeconds: 0,
  sizeTrackingEnabled: false,
  telemetrySamplesPerSecond: 1000,
  prefixLimits: [],

  tcpPort: DEFAULT_TCP_PORT,
  udpPort: 0,
  tcpAddresses: Object.freeze([Object.freeze({ host: undefined, port: DEFAULT_TCP_PORT })]),
  udpAddresses: Object.freeze([]),
  interfacesAsGiven: undefined,
  unixSocketPath: undefined,
  unixSocketMask: 0o700,
  transport: 'auto',
  bindingProtocol: 'auto',
  saslEnabled: false,
  saslPasswordFile: undefined,
  networkTrusted: false,
  tls: undefined,
  listenBacklog: 1024,
  maxConnections: 1024,
  rejectConnectionsOverLimit: true,
  idleTimeoutSeconds: 0,
  readBufferLimitBytes: 0,

  threads: 4,
  requestsPerEvent: 20,

  authFile: undefined,
  flushEnabled: true,
  dumpEnabled: true,
  watchEnabled: true,
  shutdownCommandEnabled: false,
  debugCommandsEnabled: false,
  statsPrefixDelimiter: ':',
  statsDetailEnabled: false,
  watcherLogBufferBytes: 256 * KIB,
  workerLogBufferBytes: 64 * KIB,

  snapshotFile: undefined,
  snapshotSeconds: 20,
  adminAddress: undefined,
  adminTokenFile: undefined,
  registration: undefined,
  adminNodes: undefined,

  verbosity: 0,
  logLevel: 'warn',
  user: undefined,
  largePagesWanted: false,
  memoryLocked: false,
  coreDumpsEnabled: false,
  daemonize: false,
  pidFile: undefined,
  memoryFile: undefined,
  portFile: undefined,
})

/** memcached serves several UDP sockets with a thread each, and a single address with all threads. */
export function threadsPerUdpSocket(settings: Settings): number {
  return settings.interfacesAsGiven?.includes(',') ? 1 : settings.threads
}

/** The log level that `-v` (or the `verbosity` command) asks for. */
export function logLevelOf(verbosity: number): LogLevel {
  return (['warn', 'info', 'debug'] as const)[verbosity] ?? 'trace'
}
