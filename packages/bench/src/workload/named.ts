// The workloads that have a name, so that numbers of different days can be compared.
// Plain data: a new row of the benchmark table is a new record here.
import { BenchError } from '../errors.ts'
import { PRESETS, type Preset } from './presets.ts'
import { DEFAULT_WORKLOAD, type Workload } from './workload.ts'

const KIB = 1024

/**
 * Far more than the processor's caches hold, as in a real cache server: on 10,000 keys memcached's
 * multi-get seems three times as cheap per key.
 */
const MANY_KEYS = 500_000

function workload(name: string, difference: Partial<Workload>): Workload {
  return { ...DEFAULT_WORKLOAD, keys: MANY_KEYS, ...difference, name }
}

const ONLY_SETS = { set: 1 }

export const NAMED_WORKLOADS: readonly Workload[] = [
  workload('get', {}),
  workload('get-p16', { depth: 16 }),
  workload('set', { mix: ONLY_SETS }),
  workload('set-p16', { mix: ONLY_SETS, depth: 16 }),
  workload('multiget-100', { keysPerGet: 100 }),
  workload('mg-quiet-p16', { protocol: 'meta', keysPerGet: 16 }),
  workload('get-10k', { valueBytes: 10 * KIB, keys: 10_000 }),
  workload('get-512k', { valueBytes: 512 * KIB, keys: 200 }),
  workload('conns-1000', { connections: 1_000 }),
  workload('conns-10000', { connections: 10_000 }),
  workload('get-eviction', { mix: { get: 9, set: 1 }, keys: 1_400_000, memoryMegabytes: 64 }),
]

/** What `--compare` runs when no `--workloads` are named. */
export const COMPARED_BY_DEFAULT = [
  'get',
  'get-p16',
  'set',
  'set-p16',
  'multiget-100',
  'get-10k',
] as const

/** One of these, or of the presets. */
export function namedWorkload(name: string): Workload {
  const found = NAMED_WORKLOADS.find((candidate) => candidate.name === name)
  if (found) return found
  const preset = PRESETS.find((candidate) => candidate.name === name)
  if (preset) return workloadOf(preset)
  const known = [...NAMED_WORKLOADS, ...PRESETS].map((candidate) => candidate.name).join(', ')
  throw new BenchError('USAGE', `there is no workload "${name}": choose from ${known}`)
}

function workloadOf({ description: _, ...preset }: Preset): Workload {
  return { ...DEFAULT_WORKLOAD, ...preset }
}
