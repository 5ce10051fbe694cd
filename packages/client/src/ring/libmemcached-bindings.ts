// What pylibmc and php-memcached call libmemcached's distributions, and how their settings add up: each is
// applied in turn, and some undo what others did. Knows nothing of points.
import { ArgumentError } from '../errors.ts'
import type { LibmemcachedDistribution, LibmemcachedHash } from './libmemcached.ts'

/** pylibmc's `behaviors` that place keys. */
export interface PylibmcBehaviors {
  readonly hash?: LibmemcachedHash
  readonly ketama?: boolean
  readonly ketama_weighted?: boolean
  readonly distribution?:
    | 'modula'
    | 'consistent'
    | 'consistent ketama'
    | 'consistent ketama spy'
    | 'consistent weighted'
}

/** php-memcached's options that place keys, in the order in which the application sets them. */
export interface PhpMemcachedOptions {
  readonly OPT_DISTRIBUTION?: 'DISTRIBUTION_MODULA' | 'DISTRIBUTION_CONSISTENT'
  readonly OPT_LIBKETAMA_COMPATIBLE?: boolean
  readonly OPT_HASH?: keyof typeof PHP_HASHES
}

export interface LibmemcachedSettings {
  readonly distribution: LibmemcachedDistribution
  readonly hash: LibmemcachedHash
}

const PHP_HASHES = {
  HASH_DEFAULT: 'default',
  HASH_MD5: 'md5',
  HASH_CRC: 'crc',
  HASH_FNV1_64: 'fnv1_64',
  HASH_FNV1A_64: 'fnv1a_64',
  HASH_FNV1_32: 'fnv1_32',
  HASH_FNV1A_32: 'fnv1a_32',
  HASH_MURMUR: 'murmur',
} as const satisfies Record<string, LibmemcachedHash>

const PHP_DISTRIBUTIONS = {
  DISTRIBUTION_MODULA: 'modula',
  DISTRIBUTION_CONSISTENT: 'ketama',
} as const satisfies Record<string, LibmemcachedDistribution>

const PYLIBMC_DISTRIBUTIONS = {
  modula: 'modula',
  consistent: 'ketama',
  'consistent ketama': 'ketama',
  'consistent ketama spy': 'ketama_spy',
  'consistent weighted': 'ketama_weighted',
} as const satisfies Record<string, LibmemcachedDistribution>

const DEFAULTS: LibmemcachedSettings = { distribution: 'modula', hash: 'default' }

/** pylibmc applies its behaviors in an order of its own: hash, ketama, ketama_weighted, distribution. */
export function settingsOfPylibmc(behaviors: PylibmcBehaviors): LibmemcachedSettings {
  refuseOthers('pylibmc', behaviors, ['hash', 'ketama', 'ketama_weighted', 'distribution'])
  let settings = DEFAULTS
  const { hash, ketama, ketama_weighted, distribution } = behaviors
  if (hash !== undefined) settings = { ...settings, hash }
  if (ketama !== undefined) settings = { ...settings, distribution: ketama ? 'ketama' : 'modula' }
  if (ketama_weighted === true) settings = { distribution: 'ketama_weighted', hash: 'md5' }
  // libmemcached takes `false` for "ketama, then".
  if (ketama_weighted === false) settings = { ...settings, distribution: 'ketama' }
  if (distribution !== undefined) {
    const theirs = lookUp('distribution', PYLIBMC_DISTRIBUTIONS, distribution)
    // Nothing but "consistent ketama spy" keeps the weights of ketama_weighted.
    const spy = theirs === 'ketama_spy' && settings.distribution === 'ketama_weighted'
    settings = { ...settings, distribution: spy ? 'ketama_weighted_spy' : theirs }
  }
  return settings
}

export function settingsOfPhpMemcached(options: PhpMemcachedOptions): LibmemcachedSettings {
  refuseOthers('php-memcached', options, [
    'OPT_DISTRIBUTION',
    'OPT_LIBKETAMA_COMPATIBLE',
    'OPT_HASH',
  ])
  let settings = DEFAULTS
  const { OPT_DISTRIBUTION, OPT_HASH, OPT_LIBKETAMA_COMPATIBLE } = options
  for (const option of Object.keys(options)) {
    if (option === 'OPT_HASH' && OPT_HASH !== undefined) {
      settings = { ...settings, hash: lookUp(option, PHP_HASHES, OPT_HASH) }
    } else if (option === 'OPT_DISTRIBUTION' && OPT_DISTRIBUTION !== undefined) {
      const distribution = lookUp(option, PHP_DISTRIBUTIONS, OPT_DISTRIBUTION)
      settings = { ...settings, distribution }
    } else if (option === 'OPT_LIBKETAMA_COMPATIBLE' && OPT_LIBKETAMA_COMPATIBLE !== undefined) {
      settings = OPT_LIBKETAMA_COMPATIBLE
        ? { distribution: 'ketama_weighted', hash: 'md5' }
        : DEFAULTS
    }
  }
  return settings
}

function lookUp<T extends string>(
  option: string,
  table: Readonly<Record<string, T>>,
  name: string,
): T {
  if (Object.hasOwn(table, name)) return table[name]!
  throw new ArgumentError(`${option} must be one of ${Object.keys(table).join(', ')}, not ${name}`)
}

function refuseOthers(client: string, options: object, known: readonly string[]): void {
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue
    throw new ArgumentError(
      `compat for ${client} takes what places keys (${known.join(', ')}), not ${option}`,
    )
  }
}
