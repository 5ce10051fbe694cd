// What a load consists of, as a plain record: which operations, on how many keys, over how many
// connections. Knows no bytes and no sockets: wire/ makes requests of it, load/ plays them.
import { BenchError } from '../errors.ts'
import { describeMix, type Mix } from './mix.ts'
import { describePopularity, type Popularity } from './popularity.ts'
import { describeSizes, largestSize, type Sizes } from './sizes.ts'

export const PROTOCOLS = ['classic', 'meta', 'binary'] as const
export type Protocol = (typeof PROTOCOLS)[number]

export interface Workload {
  readonly name: string
  /** `classic`: get and set. `meta`: mg and ms; more than one key per get is sent as quiet mg's and an mn. */
  readonly protocol: Protocol
  /** How many of each operation: `{ get: 9, set: 1 }`. */
  readonly mix: Mix
  /** Distinct keys. */
  readonly keys: number
  /** Which of them are asked for. */
  readonly popularity: Popularity
  readonly keyBytes: Sizes
  readonly valueBytes: Sizes
  /** Seconds until what is stored expires; 0: never. */
  readonly ttl: Sizes
  /** Keys asked for by one get request. An operation is one key, so throughput and cost are per key. */
  readonly keysPerGet: number
  readonly connections: number
  /** Requests a connection sends in one piece; it sends the next ones when all of these are answered. */
  readonly depth: number
  /** What a get misses is stored next, as an application does that looks aside. */
  readonly fillMisses: boolean
  /** Values say what they are, and every byte that comes back is checked. */
  readonly verify: boolean
  /**
   * The server's memory (`-m`, in megabytes) where it is less than the keys take, so that the server
   * evicts: then a miss of a key that was stored is no error. Undefined: there is room for all.
   */
  readonly memoryMegabytes?: number
}

/** memcached's own limit. */
export const KEY_BYTES_MAX = 250
/** Keys are numbers of 32 bits. */
const KEYS_MAX = 2 ** 32

export const DEFAULT_WORKLOAD: Workload = {
  name: 'custom',
  protocol: 'classic',
  mix: { get: 1 },
  keys: 10_000,
  popularity: { kind: 'shuffled' },
  keyBytes: 16,
  valueBytes: 100,
  ttl: 0,
  keysPerGet: 1,
  connections: 50,
  depth: 1,
  fillMisses: false,
  verify: false,
}

/**
 * Whether its requests can be made before the clock starts, and played again and again (tape.ts): every key
 * is asked for equally often, and all are alike.
 */
export function isRepeatable(workload: Workload): boolean {
  const { protocol, mix, popularity, keyBytes, valueBytes, ttl, fillMisses, verify } = workload
  const sizes = [keyBytes, valueBytes, ttl]
  return (
    protocol !== 'binary' &&
    Object.entries(mix).every(([name, part]) => part === 0 || name === 'get' || name === 'set') &&
    popularity.kind === 'shuffled' &&
    sizes.every((size) => typeof size === 'number') &&
    ttl === 0 &&
    !fillMisses &&
    !verify
  )
}

/** Whether a get of a key that was stored before may find nothing. */
export function mayMiss({ mix, ttl, memoryMegabytes }: Workload): boolean {
  return ttl !== 0 || (mix.delete ?? 0) > 0 || memoryMegabytes !== undefined
}

/** Throws a {@link BenchError} that names the contradiction, if there is one. */
export function checkWorkload(workload: Workload): void {
  const { keys, keyBytes, keysPerGet } = workload
  if (keys > KEYS_MAX) {
    throw new BenchError(
      'USAGE',
      `--keys ${keys} is more than there can be: give ${KEYS_MAX} at most`,
    )
  }
  const digits = String(keys - 1).length
  const largest = largestSize(keyBytes)
  if ((typeof keyBytes === 'number' && keyBytes < digits) || largest > KEY_BYTES_MAX) {
    throw new BenchError(
      'USAGE',
      `${keys} keys need a --key-size from ${digits} to ${KEY_BYTES_MAX} bytes, not ${describeSizes(keyBytes)}`,
    )
  }
  if (keysPerGet > keys) {
    throw new BenchError(
      'USAGE',
      `--multiget ${keysPerGet} asks for more keys at once than the ${keys} of --keys`,
    )
  }
}

/** One line for the head of a report. */
export function describeWorkload(workload: Workload): string {
  const { popularity, keys, keyBytes, valueBytes, ttl, connections, depth } = workload
  const parts = [
    describeOperations(workload),
    `${keys} keys${typeof keyBytes === 'number' ? ` of ${keyBytes} B` : `, sizes ${describeSizes(keyBytes)}`}` +
      (popularity.kind === 'shuffled' ? '' : `, ${describePopularity(popularity)}`),
    typeof valueBytes === 'number'
      ? `values of ${valueBytes} B`
      : `values ${describeSizes(valueBytes)}`,
    `${connections} connections`,
    `${depth} in flight on each`,
  ]
  if (ttl !== 0) parts.push(`ttl ${describeSizes(ttl)}`)
  if (workload.fillMisses) parts.push('misses are stored')
  if (workload.verify) parts.push('verified')
  if (workload.memoryMegabytes !== undefined) parts.push(`-m ${workload.memoryMegabytes}`)
  return parts.join(', ')
}

function describeOperations({ mix, protocol, keysPerGet }: Workload): string {
  const get = protocol === 'meta' ? 'mg' : 'get'
  const set = protocol === 'meta' ? 'ms' : 'set'
  const width = keysPerGet > 1 ? ` of ${keysPerGet} keys` : ''
  const quiet = protocol === 'meta' && keysPerGet > 1 ? 'quiet ' : ''
  const binary = protocol === 'binary' ? 'binary ' : ''
  const { get: gets = 0, set: sets = 0, ...others } = mix
  if (Object.values(others).some((part) => part > 0)) {
    return `${binary}${describeMix(mix)}${width && `, ${quiet}gets${width}`}`
  }
  if (sets === 0) return `${binary}${quiet}${get}${width}`
  if (gets === 0) return `${binary}${set}`
  return `${binary}${gets} ${quiet}${get}${width} : ${sets} ${set}`
}
