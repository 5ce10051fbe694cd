// The options that say where keys live, turned into a distribution and the names of its nodes. Knows what each
// of them is called and which go together; how they place keys is in a file each.
import { ArgumentError } from '../errors.ts'
import { dalli } from './dalli.ts'
import { withHashTag } from './hash-tag.ts'
import { hashringKetama } from './hashring-compat.ts'
import { jump } from './jump.ts'
import { ring } from './ketama.ts'
import { keyHashes } from './key-hash.ts'
import {
  isSpy,
  LIBMEMCACHED_DISTRIBUTIONS,
  LIBMEMCACHED_HASHES,
  type LibmemcachedDistribution,
  type LibmemcachedHash,
  libmemcached,
} from './libmemcached.ts'
import {
  type PhpMemcachedOptions,
  type PylibmcBehaviors,
  settingsOfPhpMemcached,
  settingsOfPylibmc,
} from './libmemcached-bindings.ts'
import { memjs } from './memjs.ts'
import { modula } from './modula.ts'
import {
  bracketedHostAndPort,
  hashringName,
  hostAndPort,
  hostAndUnusualPort,
  type Naming,
  pylibmcName,
} from './naming.ts'
import { pymemcache } from './pymemcache.ts'
import { rendezvous } from './rendezvous.ts'
import type { Distribution } from './router.ts'
import { TWEMPROXY_HASHES, type TwemproxyPool, twemproxy } from './twemproxy.ts'

/**
 * A client or proxy with which keys are shared: they are placed exactly where it places them.
 * The object forms take its own settings, by its own names; those that don't place keys have no place in it.
 */
export type Compat =
  /** `{ libmemcached: { distribution: 'ketama_weighted' } }`: what most who shard with libmemcached use. */
  | 'libmemcached'
  | {
      readonly libmemcached: {
        readonly distribution: LibmemcachedDistribution
        /** Default: `md5` for the weighted ones, else `default` (one-at-a-time). */
        readonly hash?: LibmemcachedHash
      }
    }
  /** `behaviors`, such as `{ ketama: true, hash: 'md5' }`. `{}`: modula, its default. */
  | { readonly pylibmc: PylibmcBehaviors }
  /** Options in the order in which they are set, such as `{ OPT_LIBKETAMA_COMPATIBLE: true }`. */
  | { readonly 'php-memcached': PhpMemcachedOptions }
  | 'dalli'
  /** `{ twemproxy: {} }`: ketama with fnv1a_64, its defaults. */
  | 'twemproxy'
  /** A pool of nutcracker.yml. */
  | { readonly twemproxy: TwemproxyPool }
  /** Rendezvous by MurmurHash3. */
  | 'pymemcache'
  /** npm's `memcached`: ketama by hashring. */
  | 'memcached'
  | 'memjs'
  /** CRC-32 modulo the number of nodes. */
  | 'gomemcache'

/** A distribution of our own; see `PlacementOptions.distribution`. */
export type DistributionName = 'ring' | 'rendezvous' | 'jump'

/** Where keys live. */
export interface PlacementOptions {
  /**
   * - `ring`: ketama with 160 points per node and unit of weight.
   * - `rendezvous`: the highest of a hash per node; exact weights, nothing to build, dearer with many nodes.
   * - `jump`: an even share for numbered nodes, without weights; only the end of `nodes` may grow or shrink.
   *
   * Default `ring`. Not together with `compat`.
   */
  readonly distribution?: DistributionName
  /**
   * How `distribution` hashes keys: `md5`, as libmemcached's ketama does, or `murmur3` (x86_32), about twice
   * as fast. Default `md5` for `ring`, `murmur3` for the others. Not together with `compat`.
   */
  readonly keyHash?: 'md5' | 'murmur3'
  /** Another client or proxy that uses the same nodes. */
  readonly compat?: Compat
  /**
   * Two characters such as `{}`: a key with something between them is placed by that alone, so that
   * `{user:1}:name` and `{user:1}:mail` live on one node. Default: keys are placed by all of them.
   */
  readonly hashTag?: string
}

export interface Placement {
  readonly distribution: Distribution
  /** For nodes that have no name of their own. */
  readonly naming: Naming
}

/** @throws ArgumentError when the options make no sense, or not together. */
export function placementOf(options: PlacementOptions): Placement {
  const { compat, hashTag } = options
  if (compat === undefined) return tagged(ownPlacement(options), hashTag)
  if (options.distribution !== undefined || options.keyHash !== undefined) {
    throw new ArgumentError('compat decides the distribution and the keyHash: leave these out')
  }
  if (typeof compat === 'string') return tagged(placementLike(compat), hashTag)
  return configuredPlacement(compat, hashTag)
}

function ownPlacement({ distribution = 'ring', keyHash }: PlacementOptions): Placement {
  const distributions = { ring, rendezvous, jump }
  const make = pick('distribution', distributions, distribution)
  const hash = keyHash ?? (distribution === 'ring' ? 'md5' : 'murmur3')
  const hashes = { md5: keyHashes.md5, murmur3: keyHashes.murmur3 }
  return { distribution: make(pick('keyHash', hashes, hash)), naming: hostAndUnusualPort }
}

function placementLike(client: Compat & string): Placement {
  const placements: Readonly<Record<Compat & string, () => Placement>> = {
    libmemcached: () => libmemcachedPlacement({ distribution: 'ketama_weighted' }),
    dalli: () => ({ distribution: dalli(), naming: hostAndPort }),
    twemproxy: () => twemproxyPlacement({}, undefined),
    pymemcache: () => ({ distribution: pymemcache(), naming: hostAndPort }),
    memcached: () => ({ distribution: hashringKetama(), naming: hashringName }),
    memjs: () => ({ distribution: memjs(), naming: bracketedHostAndPort }),
    gomemcache: () => ({ distribution: modula(keyHashes.crc32a), naming: bracketedHostAndPort }),
  }
  return pick('compat', placements, client)()
}

function configuredPlacement(compat: Compat & object, hashTag: string | undefined): Placement {
  if ('libmemcached' in compat) return tagged(libmemcachedPlacement(compat.libmemcached), hashTag)
  if ('pylibmc' in compat) {
    const placement = libmemcachedPlacement(settingsOfPylibmc(compat.pylibmc))
    const naming = placement.naming === hostAndUnusualPort ? pylibmcName : placement.naming
    return tagged({ ...placement, naming }, hashTag)
  }
  if ('php-memcached' in compat) {
    return tagged(libmemcachedPlacement(settingsOfPhpMemcached(compat['php-memcached'])), hashTag)
  }
  if ('twemproxy' in compat) return twemproxyPlacement(compat.twemproxy, hashTag)
  throw new ArgumentError('compat names libmemcached, pylibmc, php-memcached or twemproxy')
}

function libmemcachedPlacement(settings: {
  readonly distribution: LibmemcachedDistribution
  readonly hash?: LibmemcachedHash
}): Placement {
  const { distribution, hash } = settings
  check('distribution', LIBMEMCACHED_DISTRIBUTIONS, distribution)
  if (hash !== undefined) check('hash', LIBMEMCACHED_HASHES, hash)
  return {
    distribution: libmemcached(distribution, hash),
    naming: isSpy(distribution) ? hostAndPort : hostAndUnusualPort,
  }
}

function twemproxyPlacement(pool: TwemproxyPool, hashTag: string | undefined): Placement {
  const { distribution = 'ketama', hash = 'fnv1a_64', hash_tag } = pool
  check('distribution', ['ketama', 'modula'], distribution)
  check('hash', TWEMPROXY_HASHES, hash)
  const placement = { distribution: twemproxy(distribution, hash), naming: hostAndUnusualPort }
  return tagged(placement, hash_tag ?? hashTag)
}

function tagged(placement: Placement, hashTag: string | undefined): Placement {
  if (hashTag === undefined) return placement
  return { ...placement, distribution: withHashTag(placement.distribution, hashTag) }
}

function pick<T>(option: string, table: Readonly<Record<string, T>>, name: string): T {
  check(option, Object.keys(table), name)
  return table[name]!
}

function check(option: string, known: readonly string[], name: string): void {
  if (known.includes(name)) return
  throw new ArgumentError(`${option} must be one of ${known.join(', ')}, not ${String(name)}`)
}
