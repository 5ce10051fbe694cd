// A set of settings being put together, and the rules that only hold for all of them at once.
// Knows settings and the environment, and no spelling of a flag beyond what its sentences name.
import { MAX_MEMORY_BYTES, MAX_SLAB_CLASSES, PAGE_BYTES } from '../cache/arena.ts'
import type { ClientCertificates, ListenAddress } from '../transport/listeners.ts'
import { parseListenAddresses } from './listen-addresses.ts'
import { CommandLineError, EX_USAGE, wholeNumber } from './option-values.ts'
import {
  advertisedBy,
  type EtcdAddress,
  type RegistrationSettings,
} from './registration-settings.ts'
import { DEFAULT_SETTINGS, type LogLevel, logLevelOf, type Settings } from './settings.ts'
import { DEFAULT_TLS, type TlsSettings, VERIFY_MODES } from './tls-settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Settings in the making, and what else the flags have said so far. */
export interface SettingsDraft {
  readonly settings: { -readonly [Name in keyof Settings]: Settings[Name] }
  readonly warnings: string[]
  /** What to print instead of serving. */
  print: 'help' | 'licence' | 'version' | undefined
  /** `--healthcheck`: ask the server that these flags would start, instead of starting it. */
  healthcheck: boolean
  tcpPortGiven: boolean
  protocolGiven: boolean
  slabChunkMaxGiven: boolean
  /** `-Z`. */
  tlsEnabled: boolean
  /** `-o ssl_*`, which without `-Z` have no effect. */
  readonly tls: { -readonly [Name in keyof TlsSettings]: TlsSettings[Name] }
  /** `--register` and `--register-as`. */
  etcd: EtcdAddress | undefined
  advertised: Pick<RegistrationSettings, 'host' | 'port'> | undefined
  /** The value of `-o slab_sizes`, whose bounds other flags may still change. */
  slabSizes: string | undefined
}

export function newDraft(): SettingsDraft {
  return {
    settings: { ...DEFAULT_SETTINGS },
    warnings: [],
    print: undefined,
    healthcheck: false,
    tcpPortGiven: false,
    protocolGiven: false,
    slabChunkMaxGiven: false,
    tlsEnabled: false,
    tls: { ...DEFAULT_TLS },
    etcd: undefined,
    advertised: undefined,
    slabSizes: undefined,
  }
}

/**
 * The settings of a draft that has heard every flag.
 * @throws CommandLineError if they contradict each other.
 */
export function finishSettings(draft: SettingsDraft, env: Environment): Settings {
  settleItemSizes(draft, env)
  settleSlabSizes(draft)
  settleLru(draft)
  settleListening(draft, env)
  settleSasl(draft, env)
  settleAuthentication(draft)
  settleAdmin(draft)
  settleRegistration(draft)
  settleLogging(draft, env)
  return Object.freeze(draft.settings)
}

// The order and the wording of these are memcached's.
function settleItemSizes(draft: SettingsDraft, env: Environment): void {
  const { settings } = draft
  const { maxItemSizeBytes, memoryLimitBytes } = settings
  settings.initialMallocedBytes = Number.parseInt(env.T_MEMD_INITIAL_MALLOC ?? '', 10) || 0
  if (memoryLimitBytes > MAX_MEMORY_BYTES) {
    const most = MAX_MEMORY_BYTES / PAGE_BYTES
    throw usage(
      `The memory limit (-m) must be at most ${most} megabytes: the arena addresses at most 32 GiB.`,
    )
  }
  if (maxItemSizeBytes < 1024) throw usage('Item max size (-I) cannot be less than 1024 bytes.')
  if (maxItemSizeBytes > memoryLimitBytes / 2) {
    throw usage('Cannot set item size limit (-I) higher than 1/2 of memory max (-m).')
  }
  if (maxItemSizeBytes > 1024 * PAGE_BYTES) {
    throw usage('Cannot set item size limit (-I) higher than a gigabyte.')
  }
  if (maxItemSizeBytes > PAGE_BYTES && !draft.slabChunkMaxGiven) {
    settings.slabChunkMaxBytes = PAGE_BYTES / 2
  }

  // Until 1.6.24 memcached took bytes. Where kilobytes can't be meant, it is them.
  const chunkMax = settings.slabChunkMaxBytes
  if (draft.slabChunkMaxGiven && chunkMax > Math.min(maxItemSizeBytes, PAGE_BYTES)) {
    settings.slabChunkMaxBytes = chunkMax / 1024
    draft.warnings.push(`slab_chunk_max (-o) is taken as ${chunkMax / 1024} bytes.`)
  }
  const { slabChunkMaxBytes } = settings
  const chunk = `slab_chunk_max (-o, ${slabChunkMaxBytes} bytes)`
  if (slabChunkMaxBytes > maxItemSizeBytes) {
    throw usage(`${chunk} cannot be larger than the item size limit (-I, ${maxItemSizeBytes}).`)
  }
  if (maxItemSizeBytes % slabChunkMaxBytes !== 0) {
    throw usage(
      `The item size limit (-I, ${maxItemSizeBytes}) must be evenly divisible by ${chunk}.`,
    )
  }
  if (PAGE_BYTES % slabChunkMaxBytes !== 0) {
    throw usage(`${chunk} must divide evenly into ${PAGE_BYTES}, the size of a slab page.`)
  }
}

function settleSlabSizes(draft: SettingsDraft): void {
  if (draft.slabSizes === undefined) return
  const { minimumItemSpaceBytes, slabChunkMaxBytes } = draft.settings
  const sizes: number[] = []
  for (const text of draft.slabSizes.split('-')) {
    const size = wholeNumber('A slab size (-o slab_sizes)', text, {
      min: minimumItemSpaceBytes,
      max: slabChunkMaxBytes,
      exitCode: EX_USAGE,
    })
    if (size <= (sizes.at(-1) ?? 0) + 8) {
      throw usage(
        `The slab size ${size} (-o slab_sizes) must be more than 8 bytes larger than the one before.`,
      )
    }
    sizes.push(size)
  }
  // One class number means none, and one is left for the largest chunks.
  if (sizes.length > MAX_SLAB_CLASSES - 2) {
    throw usage(`-o slab_sizes can give at most ${MAX_SLAB_CLASSES - 2} slab classes.`)
  }
  draft.settings.slabSizesBytes = sizes
}

function settleLru({ settings }: SettingsDraft): void {
  if (settings.hotLruPercent + settings.warmLruPercent > 80) {
    throw usage('hot_lru_pct + warm_lru_pct (-o) cannot be more than 80% combined.')
  }
  if (settings.temporaryTtlSeconds !== undefined && !settings.lruMaintainerEnabled) {
    throw usage('temporary_ttl (-o) requires lru_maintainer to be enabled.')
  }
}

// memcached's words.
const ASCII_WITH_SASL = 'ERROR: You cannot allow the ASCII protocol while using SASL.'

function settleSasl({ settings, protocolGiven }: SettingsDraft, env: Environment): void {
  settings.saslPasswordFile = env.MEMCACHED_SASL_PWDB || undefined
  if (!settings.saslEnabled) return
  // Two ways to log in would each bind the other's protocol.
  if (!protocolGiven && settings.authFile === undefined) settings.bindingProtocol = 'binary'
  else if (settings.bindingProtocol !== 'binary') {
    throw usage(ASCII_WITH_SASL)
  }
  if (settings.tcpAddresses.some(({ protocol = 'binary' }) => protocol !== 'binary')) {
    throw usage(ASCII_WITH_SASL)
  }
  if (settings.udpPort !== 0) {
    throw usage('ERROR: Cannot enable UDP while using binary SASL authentication.')
  }
  if (settings.saslPasswordFile === undefined) {
    throw usage(
      "SASL (-S) needs a file of users and passwords, named by MEMCACHED_SASL_PWDB: the Cyrus library's databases can't be read.",
    )
  }
}

// memcached's words.
const BINARY_WITH_AUTHENTICATION =
  'ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.'

function settleAuthentication({ settings, protocolGiven }: SettingsDraft): void {
  if (settings.authFile === undefined) return
  if (!protocolGiven) settings.bindingProtocol = 'ascii'
  else if (settings.bindingProtocol !== 'ascii') {
    throw usage(BINARY_WITH_AUTHENTICATION)
  }
  if (settings.tcpAddresses.some(({ protocol = 'ascii' }) => protocol !== 'ascii')) {
    throw usage(BINARY_WITH_AUTHENTICATION)
  }
  if (settings.udpPort !== 0) {
    throw usage('Cannot use UDP with ascii authentication enabled (-U 0 to disable)')
  }
}

function settleAdmin({ settings }: SettingsDraft): void {
  if (settings.adminAddress !== undefined) return
  if (settings.adminTokenFile !== undefined) {
    throw usage('An admin token (--admin-token-file) is for the admin port: give --admin too.')
  }
  if (settings.adminNodes !== undefined) {
    throw usage('A formation (--admin-nodes) is shown on the admin port: give --admin too.')
  }
}

function settleRegistration({ settings, etcd, advertised }: SettingsDraft): void {
  if (etcd === undefined) {
    if (advertised === undefined) return
    throw usage('An address to register (--register-as) needs to know where: give --register too.')
  }
  if (settings.tcpAddresses.length === 0) {
    throw usage('Only a node that listens on TCP can be registered (--register).')
  }
  settings.registration = { ...etcd, ...(advertised ?? advertisedBy(settings.tcpAddresses)) }
}

function settleListening(draft: SettingsDraft, env: Environment): void {
  const { settings } = draft
  if (!draft.tcpPortGiven) {
    if (env.PORT) settings.tcpPort = portNumber('PORT, from the environment,', env.PORT)
    else if (settings.udpPort !== 0) settings.tcpPort = settings.udpPort
  }
  settings.portFile = env.MEMCACHED_PORT_FILENAME || undefined

  const given = settings.interfacesAsGiven
  const clientCertificates = draft.tlsEnabled ? VERIFY_MODES[draft.tls.verifyMode] : undefined
  settings.tcpAddresses = listenAddresses(given, settings.tcpPort, clientCertificates)
  settings.udpAddresses = listenAddresses(given, settings.udpPort, undefined)
  settleTls(draft)
  if (settings.unixSocketPath !== undefined) {
    settings.tcpAddresses = []
    settings.udpAddresses = []
    if (draft.tcpPortGiven || settings.udpPort !== 0 || given !== undefined) {
      draft.warnings.push('A unix socket (-s) is given: -p, -U and -l have no effect.')
    }
  } else if (settings.tcpPort === 0 && settings.udpPort === 0) {
    draft.warnings.push('Without a port (-p 0) and a unix socket (-s) nobody can connect.')
  }
}

function settleTls({ settings, tls, tlsEnabled, warnings }: SettingsDraft): void {
  if (!tlsEnabled) {
    if (/(?:^|[,;])(?:notls|btls|mtls):/.test(settings.interfacesAsGiven ?? '')) {
      throw usage("'notls', 'btls' and 'mtls' (-l) are valid only when SSL is enabled (-Z).")
    }
    if (
      Object.entries(DEFAULT_TLS).some(([name, value]) => tls[name as keyof TlsSettings] !== value)
    ) {
      warnings.push('The suboptions ssl_ (-o) have no effect without -Z: nothing is encrypted.')
    }
    return
  }
  // memcached's words.
  if (settings.tcpPort === 0) throw usage('ERROR: You cannot enable SSL without a TCP port.')
  if (tls.chainPath === undefined) {
    throw usage('TLS (-Z) needs a certificate: -o ssl_chain_cert=<file>, and -o ssl_key=<file>.')
  }
  settings.tls = Object.freeze({ ...tls })
  if (settings.unixSocketPath !== undefined) {
    warnings.push('TLS (-Z) is for TCP: what comes by the unix socket (-s) is not encrypted.')
  }
  if (settings.udpPort !== 0) warnings.push('TLS (-Z) is for TCP: UDP (-U) is not encrypted.')
}

/** `clientCertificates`: how they are treated where an address doesn't say; undefined without TLS. */
function listenAddresses(
  given: string | undefined,
  port: number,
  clientCertificates: ClientCertificates | undefined,
): readonly ListenAddress[] {
  // Port 0 asks the system for one where it is listened on, but switches TCP or UDP off as a setting.
  const listenPort = port === -1 ? 0 : port
  const addresses =
    given === undefined
      ? [{ host: undefined, port: listenPort, ...(clientCertificates && { clientCertificates }) }]
      : parseListenAddresses(given, listenPort, clientCertificates)
  return port === 0 ? [] : addresses
}

/** A port as `-p` and `-U` take it: -1 for one that the system chooses, 0 for none. */
export function portNumber(what: string, value: string): number {
  return wholeNumber(what, value, { min: -1, max: 65535, exitCode: EX_USAGE })
}

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

function settleLogging({ settings, warnings }: SettingsDraft, env: Environment): void {
  settings.logLevel = logLevelOf(settings.verbosity)
  const asked = env.LOG_LEVEL
  if (!asked) return
  const level = LEVELS.find((known) => known === asked.toLowerCase())
  if (level !== undefined) settings.logLevel = level
  else {
    // The variable may be meant for other programs too: no reason not to serve.
    warnings.push(`LOG_LEVEL "${asked}" has no effect: it must be one of ${LEVELS.join(', ')}.`)
  }
}

function usage(message: string): CommandLineError {
  return new CommandLineError(message, EX_USAGE)
}
