// The suboptions of `-o`: what each is called, takes and does. Knows memcached's names for them, and
// nothing of the flags around.
// Long because it is one table, and memcached has as many.
import { PAGE_BYTES } from '../cache/arena.ts'
import {
  CommandLineError,
  decimalAbove,
  EX_USAGE,
  UINT32_MAX,
  wholeNumber,
} from './option-values.ts'
import { withPrefixLimit } from './prefix-limit-option.ts'
import type { HashAlgorithm, Settings } from './settings.ts'
import type { SettingsDraft } from './settings-draft.ts'
import { TLS_VERSIONS } from './tls-settings.ts'

export interface ExtendedOption {
  readonly name: string
  readonly takes: 'no value' | 'a value' | 'perhaps a value'
  /** Absent for what is accepted only because memcached accepts it. */
  readonly help?: string
  /** What it sets without looking at a value. */
  readonly sets?: Partial<Settings>
  /** `value` is empty where none is given; `what` names the option for a sentence about it. */
  readonly effect?: (draft: SettingsDraft, value: string, what: string) => void
}

const KIB = 1024
const MIB = 1024 * KIB
const HASH_ALGORITHMS: readonly HashAlgorithm[] = ['jenkins', 'murmur3', 'xxh3']

export const EXTENDED_OPTIONS: readonly ExtendedOption[] = [
  {
    name: 'maxconns_fast',
    takes: 'no value',
    help: 'reject new connections over the limit at once (default: on)',
    sets: { rejectConnectionsOverLimit: true },
  },
  {
    name: 'no_maxconns_fast',
    takes: 'no value',
    help: 'let new connections over the limit wait',
    sets: { rejectConnectionsOverLimit: false },
  },
  {
    name: 'hashpower',
    takes: 'a value',
    help: 'start with 2 to this power hash buckets, 12 to 32; the table grows by itself',
    effect: ({ settings }, value, what) => {
      settings.hashPowerInitial = wholeNumber(what, value, { min: 12, max: 32 })
    },
  },
  {
    name: 'no_hashexpand',
    takes: 'no value',
    help: 'keep the hash table at its first size (dangerous)',
    sets: { hashExpansionEnabled: false },
  },
  {
    name: 'hash_algorithm',
    takes: 'a value',
    help: `one of ${HASH_ALGORITHMS.join(', ')} (default: murmur3)`,
    effect: ({ settings, warnings }, value, what) => {
      const algorithm = HASH_ALGORITHMS.find((known) => known === value)
      if (algorithm === undefined) {
        throw new CommandLineError(
          `${what} must be one of ${HASH_ALGORITHMS.join(', ')}, not "${value}".`,
        )
      }
      settings.hashAlgorithm = algorithm
      if (algorithm !== 'murmur3')
        warnings.push(`${what} has no effect: keys are hashed by murmur3.`)
    },
  },
  {
    name: 'slab_reassign',
    takes: 'no value',
    help: 'let slab pages move between classes (default: on)',
    sets: { slabReassignEnabled: true },
  },
  {
    name: 'no_slab_reassign',
    takes: 'no value',
    help: 'leave slab pages where they are',
    sets: { slabReassignEnabled: false },
  },
  {
    name: 'slab_automove',
    takes: 'perhaps a value',
    help: '0 off, 1 move slab pages by the ages of classes, 2 on every eviction (default: 1)',
    effect: ({ settings }, value, what) => {
      settings.slabAutomove = value === '' ? 1 : wholeNumber(what, value, { min: 0, max: 2 })
    },
  },
  {
    name: 'no_slab_automove',
    takes: 'no value',
    help: 'the same as slab_automove=0',
    sets: { slabAutomove: 0 },
  },
  {
    name: 'slab_automove_ratio',
    takes: 'a value',
    help: 'how much younger a class must be to be given a page, up to 1 (default: 0.8)',
    effect: ({ settings }, value, what) => {
      settings.slabAutomoveRatio = decimalAbove(what, value, 0, 1)
    },
  },
  {
    name: 'slab_automove_window',
    takes: 'a value',
    help: 'seconds of samples that slab_automove decides by, 3 to 1800 (default: 10)',
    effect: ({ settings }, value, what) => {
      settings.slabAutomoveWindow = wholeNumber(what, value, { min: 3, max: 1800 })
    },
  },
  {
    name: 'slab_sizes',
    takes: 'a value',
    help: 'the chunk sizes of the slab classes, as in 100-200-400',
    effect: (draft, value) => {
      draft.slabSizes = value
    },
  },
  {
    name: 'slab_chunk_max',
    takes: 'a value',
    help: 'the largest chunk in kilobytes; larger items take several (default: 512)',
    effect: (draft, value, what) => {
      draft.settings.slabChunkMaxBytes = wholeNumber(what, value, { min: 1, max: PAGE_BYTES }) * KIB
      draft.slabChunkMaxGiven = true
    },
  },
  {
    name: 'no_chunked_items',
    takes: 'no value',
    help: 'the same as slab_chunk_max=1024 while items are at most a megabyte',
    sets: { slabChunkMaxBytes: PAGE_BYTES },
  },
  {
    name: 'lru_crawler',
    takes: 'no value',
    help: 'look for expired items in the background (default: on)',
    sets: { lruCrawlerEnabled: true },
  },
  {
    name: 'no_lru_crawler',
    takes: 'no value',
    help: 'find expired items only when they are asked for or evicted',
    sets: { lruCrawlerEnabled: false },
  },
  {
    name: 'lru_crawler_sleep',
    takes: 'a value',
    help: 'microseconds that the crawler rests between 1000 items (default: 100)',
    effect: ({ settings }, value, what) => {
      settings.lruCrawlerSleepMicroseconds = wholeNumber(what, value, { min: 0, max: 1_000_000 })
    },
  },
  {
    name: 'lru_crawler_tocrawl',
    takes: 'a value',
    help: 'most items that the crawler looks at per class and run (default: 0, all)',
    effect: ({ settings }, value, what) => {
      settings.lruCrawlerItemsPerRun = wholeNumber(what, value, { min: 0, max: UINT32_MAX })
    },
  },
  {
    name: 'lru_maintainer',
    takes: 'no value',
    help: 'keep HOT, WARM and COLD lists per class (default: on)',
    sets: { lruMaintainerEnabled: true, lruSegmented: true },
  },
  {
    name: 'no_lru_maintainer',
    takes: 'no value',
    help: 'keep one list per class',
    sets: { lruMaintainerEnabled: false, lruSegmented: false },
  },
  {
    name: 'lru_admission',
    takes: 'no value',
    help: 'when memory is full, keep what is asked for again rather than what is new (default: on)',
    sets: { lruAdmissionEnabled: true },
  },
  {
    name: 'no_lru_admission',
    takes: 'no value',
    help: 'let every new item evict the oldest one, as memcached does',
    sets: { lruAdmissionEnabled: false },
  },
  {
    name: 'hot_lru_pct',
    takes: 'a value',
    help: 'percent of a class that HOT may take (default: 20)',
    effect: ({ settings }, value, what) => {
      settings.hotLruPercent = wholeNumber(what, value, { min: 1, max: 79 })
    },
  },
  {
    name: 'warm_lru_pct',
    takes: 'a value',
    help: 'percent of a class that WARM may take (default: 40)',
    effect: ({ settings }, value, what) => {
      settings.warmLruPercent = wholeNumber(what, value, { min: 1, max: 79 })
    },
  },
  {
    name: 'hot_max_factor',
    takes: 'a value',
    help: 'items idle for this many times the age of COLD leave HOT (default: 0.20)',
    effect: ({ settings }, value, what) => {
      settings.hotMaxFactor = decimalAbove(what, value, 0)
    },
  },
  {
    name: 'warm_max_factor',
    takes: 'a value',
    help: 'items idle for this many times the age of COLD leave WARM (default: 2.00)',
    effect: ({ settings }, value, what) => {
      settings.warmMaxFactor = decimalAbove(what, value, 0)
    },
  },
  {
    name: 'temporary_ttl',
    takes: 'a value',
    help: 'items that live at most so many seconds are never evicted (default: off)',
    effect: ({ settings }, value, what) => {
      settings.temporaryTtlSeconds = wholeNumber(what, value, { min: 0, max: UINT32_MAX })
    },
  },
  {
    name: 'tail_repair_time',
    takes: 'a value',
    help: 'seconds that an item in use may block the end of a list (default: 0, for ever)',
    effect: ({ settings }, value, what) => {
      settings.tailRepairSeconds = wholeNumber(what, value, { min: 10 })
    },
  },
  {
    name: 'idle_timeout',
    takes: 'a value',
    help: 'seconds until an idle connection is closed (default: 0, never)',
    effect: ({ settings }, value, what) => {
      settings.idleTimeoutSeconds = wholeNumber(what, value, { min: 0 })
    },
  },
  {
    name: 'read_buf_mem_limit',
    takes: 'a value',
    help: 'megabytes for the read buffers of all connections (default: 0, no limit)',
    effect: ({ settings }, value, what) => {
      settings.readBufferLimitBytes = wholeNumber(what, value, { min: 0, max: 4095 }) * MIB
    },
  },
  {
    name: 'watcher_logbuf_size',
    takes: 'a value',
    help: 'kilobytes of buffer per watcher (default: 256)',
    effect: ({ settings }, value, what) => {
      settings.watcherLogBufferBytes = wholeNumber(what, value, { min: 0, max: 4 * MIB - 1 }) * KIB
    },
  },
  {
    name: 'worker_logbuf_size',
    takes: 'a value',
    help: 'kilobytes of buffer per thread for what watchers read (default: 64)',
    effect: ({ settings }, value, what) => {
      settings.workerLogBufferBytes = wholeNumber(what, value, { min: 0, max: 4 * MIB - 1 }) * KIB
    },
  },
  {
    name: 'track_sizes',
    takes: 'no value',
    help: "count items by size for 'stats sizes'",
    sets: { sizeTrackingEnabled: true },
  },
  {
    name: 'ssl_chain_cert',
    takes: 'a value',
    help: 'certificate chain file in PEM format',
    effect: ({ tls }, value) => {
      tls.chainPath = value
    },
  },
  {
    name: 'ssl_key',
    takes: 'a value',
    help: 'private key, if not part of the ssl_chain_cert',
    effect: ({ tls }, value) => {
      tls.keyPath = value
    },
  },
  {
    name: 'ssl_keyformat',
    takes: 'a value',
    help: 'private key format: 1, PEM, or 2, DER (default: 1)',
    effect: ({ tls }, value, what) => {
      tls.keyFormat = wholeNumber(what, value, { min: 1, max: 2 }) === 1 ? 'pem' : 'der'
    },
  },
  {
    name: 'ssl_verify_mode',
    takes: 'a value',
    help: "clients' certificates: 0 not asked for, 1 checked if there is one,\n2 and 3 demanded (default: 0)",
    effect: ({ tls }, value, what) => {
      tls.verifyMode = wholeNumber(what, value, { min: 0, max: 3, exitCode: EX_USAGE })
    },
  },
  {
    name: 'ssl_ciphers',
    takes: 'a value',
    help: 'list of ciphers, in the notation of OpenSSL',
    effect: ({ tls }, value) => {
      tls.ciphers = value
    },
  },
  {
    name: 'ssl_ca_cert',
    takes: 'a value',
    help: "PEM file of the authorities that clients' certificates must be of",
    effect: ({ tls }, value) => {
      tls.authoritiesPath = value
    },
  },
  {
    name: 'ssl_wbuf_size',
    takes: 'a value',
    help: 'accepted without effect: answers are encrypted as they are written',
    effect: ({ tls, warnings }, value, what) => {
      tls.writeBufferBytes = wholeNumber(what, value, { min: 0, max: 4 * MIB - 1 }) * KIB
      warnings.push(`${what} has no effect: answers are encrypted as they are written.`)
    },
  },
  {
    name: 'ssl_session_cache',
    takes: 'no value',
    help: 'let clients resume sessions, by tickets that all threads know (default: off)',
    effect: ({ tls }) => {
      tls.sessionsResumed = true
    },
  },
  {
    name: 'ssl_kernel_tls',
    takes: 'no value',
    help: 'accepted without effect: the kernel is not asked to encrypt',
    effect: ({ tls, warnings }, _, what) => {
      tls.kernelTlsWanted = true
      warnings.push(`${what} has no effect: the kernel is not asked to encrypt.`)
    },
  },
  {
    name: 'ssl_min_version',
    takes: 'a value',
    help: 'least protocol version: 0 to 3 for tlsv1.0 to tlsv1.3 (default: 2)',
    effect: ({ tls }, value, what) => {
      const { length } = TLS_VERSIONS
      const number = wholeNumber(what, value, { min: 0, max: length - 1, exitCode: EX_USAGE })
      tls.minVersion = TLS_VERSIONS[number]
    },
  },
  {
    name: 'telemetry_samples',
    takes: 'a value',
    help: "rounds of requests, and keys, that a thread looks at in a second for\n'stats latency', 'stats hotkeys' and such (default: 1000)",
    effect: ({ settings }, value, what) => {
      settings.telemetrySamplesPerSecond = wholeNumber(what, value, { min: 1, max: 1_000_000 })
    },
  },
  {
    name: 'no_telemetry',
    takes: 'no value',
    help: "look at none: no 'stats latency', no 'stats hotkeys' and such",
    sets: { telemetrySamplesPerSecond: 0 },
  },
  {
    name: 'prefix_limit',
    takes: 'a value',
    help: 'SIZE:PREFIX, of keys that begin with PREFIX keep no more than SIZE bytes\n(or 64k, 64m, 2g) of items; may be given more than once',
    effect: ({ settings }, value, what) => {
      settings.prefixLimits = withPrefixLimit(settings.prefixLimits, value, what)
    },
  },
  {
    name: 'debug_commands',
    takes: 'no value',
    help: 'enable debugtime, debugitem and misbehave, for tests',
    sets: { debugCommandsEnabled: true },
  },
  {
    name: 'modern',
    takes: 'no value',
    help: 'nothing: its defaults are the usual ones by now',
  },
  {
    name: 'no_modern',
    takes: 'no value',
    help: 'the defaults of memcached 1.4',
    sets: {
      slabReassignEnabled: false,
      slabAutomove: 0,
      rejectConnectionsOverLimit: false,
      lruSegmented: false,
      lruCrawlerEnabled: false,
      lruMaintainerEnabled: false,
      hashAlgorithm: 'jenkins',
    },
    effect: ({ settings, slabChunkMaxGiven }) => {
      if (!slabChunkMaxGiven) settings.slabChunkMaxBytes = PAGE_BYTES
    },
  },
  // Without effect in memcached too, or a promise that is kept anyway.
  { name: 'inline_ascii_resp', takes: 'no value' },
  { name: 'no_inline_ascii_resp', takes: 'no value' },
  { name: 'resp_obj_mem_limit', takes: 'perhaps a value' },
  { name: 'no_drop_privileges', takes: 'no value' },
  { name: 'relaxed_privileges', takes: 'no value' },
  // Without effect here alone.
  { name: 'drop_privileges', takes: 'no value', effect: warnOfNoEffect },
  { name: 'sock_cookie_id', takes: 'a value', effect: warnOfNoEffect },
  { name: 'slab_automove_freeratio', takes: 'a value', effect: warnOfNoEffect },
]

/** Families of suboptions that belong to something this server can't do. */
const NOT_THERE_YET: Readonly<Record<string, string>> = {
  ext_: 'external storage',
  proxy_: 'the proxy',
}

/**
 * Applies the value of one `-o`: suboptions divided by commas, `name` or `name=value`.
 * @throws CommandLineError naming the suboption that is wrong.
 */
export function applyExtendedOptions(draft: SettingsDraft, list: string): void {
  const texts = list.split(',')
  // As with getsubopt, nothing follows the last comma.
  if (texts.at(-1) === '') texts.pop()
  for (const text of texts) applyExtendedOption(draft, text)
}

function applyExtendedOption(draft: SettingsDraft, text: string): void {
  const equals = text.indexOf('=')
  const name = equals === -1 ? text : text.slice(0, equals)
  const value = equals === -1 ? '' : text.slice(equals + 1)

  const option = EXTENDED_OPTIONS.find((known) => known.name === name)
  if (option === undefined) throw unknownSuboption(name)

  if (option.takes === 'a value' && value === '') {
    throw new CommandLineError(`The suboption ${name} (-o) needs a value: ${name}=<value>.`)
  }
  if (option.takes === 'no value' && equals !== -1) {
    // `slab_reassign=0` switches it on in memcached: accepted, but not in silence.
    draft.warnings.push(`The suboption ${name} (-o) takes no value: "${value}" has no effect.`)
  }
  Object.assign(draft.settings, option.sets)
  option.effect?.(draft, value, `${name} (-o)`)
}

function unknownSuboption(name: string): CommandLineError {
  for (const [prefix, feature] of Object.entries(NOT_THERE_YET)) {
    if (name.startsWith(prefix)) {
      return new CommandLineError(
        `The suboption ${name} (-o) can't be used: ${feature} is not there yet.`,
        EX_USAGE,
      )
    }
  }
  return new CommandLineError(`Illegal suboption "${name}" (-o): see --help for those there are.`)
}

function warnOfNoEffect(draft: SettingsDraft, _value: string, what: string): void {
  draft.warnings.push(`${what} has no effect here.`)
}
