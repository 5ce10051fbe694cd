// The flags that say what is asked for, shared by the commands that make a load.
// Knows no run and no report.
import { type Command, Option } from 'commander'
import { usage, wholeNumber } from './flag-values.ts'
import { describeMix, type Mix, parseMix } from './workload/mix.ts'
import { NAMED_WORKLOADS, namedWorkload } from './workload/named.ts'
import { describePopularity, type Popularity, parsePopularity } from './workload/popularity.ts'
import { PRESETS } from './workload/presets.ts'
import { parseSizes, type Sizes, type SizesOf } from './workload/sizes.ts'
import {
  checkWorkload,
  DEFAULT_WORKLOAD,
  PROTOCOLS,
  type Protocol,
  type Workload,
} from './workload/workload.ts'

export interface WorkloadFlags {
  readonly workloads?: readonly Workload[]
  readonly connections?: number
  readonly depth?: number
  readonly mix?: Mix
  readonly ratio?: Mix
  readonly keys?: number
  readonly popularity?: Popularity
  readonly keySize?: Sizes
  readonly valueSize?: Sizes
  readonly ttl?: Sizes
  readonly multiget?: number
  readonly protocol?: Protocol
  readonly fillMisses?: true
  readonly verify?: true
}

export function addWorkloadFlags(command: Command): Command {
  const known = NAMED_WORKLOADS.map((workload) => workload.name).join(' ')
  const presets = PRESETS.map((preset) => preset.name).join(' ')
  const d = DEFAULT_WORKLOAD
  return command
    .optionsGroup('What is asked:')
    .option(
      '-w, --workloads <names>',
      `named ones, whose flags the others change: ${known}; or modelled on others' traffic: ${presets}`,
      workloads,
    )
    .option('-c, --connections <n>', `connections (${d.connections})`, wholeNumber(1))
    .option(
      '-d, --depth <n>',
      `requests in flight on each connection: sent in one piece, the next when all are answered (${d.depth})`,
      wholeNumber(1),
    )
    .option(
      '--mix <operations>',
      `parts of get, set, delete, incr, append and touch, as get:90,set:9,delete:1 (${describeMix(d.mix)})`,
      usage(parseMix),
    )
    .option('--ratio <get:set>', 'the same of gets and sets, as 9:1 or 0:1', usage(parseMix))
    .option('--keys <n>', `distinct keys (${d.keys})`, wholeNumber(1))
    .option(
      '--popularity <which>',
      'which keys are asked for: shuffled (each equally often), uniform, zipf:0.99, hotspot:10%:90%, scan, ' +
        `drift:1:zipf:1 (the popular ones move on), or a mixture as zipf:1@80%+scan@20% (${describePopularity(d.popularity)})`,
      usage(parsePopularity),
    )
    .option('--key-size <sizes>', `length of a key, as below (${d.keyBytes})`, sizes('key'))
    .option(
      '--value-size <sizes>',
      `length of a value: 100, 10k or 1m; a range as 10-1k; parts as 100:70,1k:30; lognormal:MEDIAN:SIGMA; etc, Facebook's (${d.valueBytes})`,
      sizes('value'),
    )
    .option('--ttl <seconds>', 'until what is stored expires, as sizes (never)', sizes('ttl'))
    .option(
      '--multiget <n>',
      `keys asked for by one get request; with meta and binary quiet gets and a no-op (${d.keysPerGet})`,
      wholeNumber(1),
    )
    .addOption(
      new Option('--protocol <name>', `how it is asked (${d.protocol})`).choices(PROTOCOLS),
    )
    .option('--fill-misses', 'store what a get has missed, as an application does')
    .option('--verify', 'store values that say what they are, and check every byte that comes back')
}

/** What is given on the command line wins over the named workload. Throws a BenchError for contradictions. */
export function workloadsOf(
  flags: WorkloadFlags,
  byDefault: readonly Workload[],
): readonly Workload[] {
  const changed = (flags.workloads ?? byDefault).map((workload) => changeWorkload(workload, flags))
  changed.forEach(checkWorkload)
  return changed
}

function changeWorkload(workload: Workload, flags: WorkloadFlags): Workload {
  return {
    ...workload,
    protocol: flags.protocol ?? workload.protocol,
    mix: flags.mix ?? flags.ratio ?? workload.mix,
    keys: flags.keys ?? workload.keys,
    popularity: flags.popularity ?? workload.popularity,
    keyBytes: flags.keySize ?? workload.keyBytes,
    valueBytes: flags.valueSize ?? workload.valueBytes,
    ttl: flags.ttl ?? workload.ttl,
    keysPerGet: flags.multiget ?? workload.keysPerGet,
    connections: flags.connections ?? workload.connections,
    depth: flags.depth ?? workload.depth,
    fillMisses: flags.fillMisses ?? workload.fillMisses,
    verify: flags.verify ?? workload.verify,
  }
}

function workloads(text: string): readonly Workload[] {
  return text.split(',').map(usage(namedWorkload))
}

/** Reads the sizes of a flag. */
export function sizes(of: SizesOf): (text: string) => Sizes {
  return usage((text) => parseSizes(text, of))
}
