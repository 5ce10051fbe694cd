// The flags of `memshard-bench hitratio`, and the plan they make.
// Runs nothing and prints nothing.
import { Command } from 'commander'
import { BenchError } from './errors.ts'
import { usage, wholeNumber } from './flag-values.ts'
import { placeOf } from './report/page.ts'
import { parseServerCommand, type ServerCommand, splitArguments } from './servers.ts'
import { describePopularity, type Popularity, parsePopularity } from './workload/popularity.ts'
import type { Sizes } from './workload/sizes.ts'
import { checkWorkload, DEFAULT_WORKLOAD, type Workload } from './workload/workload.ts'
import { sizes } from './workload-flags.ts'

export interface HitRatioPlan {
  readonly from: string | undefined
  readonly servers: readonly ServerCommand[]
  readonly memories: readonly number[]
  readonly popularities: readonly Popularity[]
  readonly workload: Workload
  readonly operations: number
  /** True: print markdown instead of text. A path: write it there, too. */
  readonly markdown: string | true | undefined
  readonly json: string | undefined
  readonly plot: string | undefined
}

interface HitRatioFlags {
  readonly servers?: readonly string[]
  readonly memshardArgs?: string
  readonly memory?: readonly number[]
  readonly popularity?: readonly Popularity[]
  readonly keys?: number
  readonly keySize?: Sizes
  readonly valueSize?: Sizes
  readonly ttl?: Sizes
  readonly operations?: number
  readonly from?: string
  readonly markdown?: string | true
  readonly json?: string
  readonly plot?: string
}

const SERVERS = ['memcached', 'memshard']
const MEMORY = 64
const KEYS = 1_000_000
const KEY_BYTES = 30
const OPERATIONS = 5_000_000
const VALUE_BYTES: Sizes = { kind: 'etc-values' }
const POPULARITIES = ['zipf:0.7', 'zipf:0.9', 'zipf:1', 'zipf:1.2', 'zipf:1@80%+scan@20%'].map(
  parsePopularity,
)

export function defineHitRatioCommand(): Command {
  return new Command('memshard-bench hitratio')
    .description(
      'Plays the same requests to several servers with the same memory: a get, and what it misses is stored. Tells the hit ratio over time, items held, memory, and why gets missed; over several memories it draws the miss-ratio curve.',
    )
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .option(
      '--servers <servers...>',
      `as --compare takes them, the first to compare with (${SERVERS.join(' ')})`,
    )
    .option('--memshard-args <flags>', 'flags of memshard alone')
    .option(
      '-m, --memory <megabytes...>',
      `of each server; several are a sweep (${MEMORY})`,
      (text: string, before: readonly number[] = []) => [...before, wholeNumber(1)(text)],
    )
    .option(
      '--popularity <which...>',
      `which keys are asked for, a stream for each (${POPULARITIES.map(describePopularity).join(' ')})`,
      (text: string, before: readonly Popularity[] = []) => [
        ...before,
        usage(parsePopularity)(text),
      ],
    )
    .option('--keys <n>', `distinct keys (${KEYS})`, wholeNumber(1))
    .option('--key-size <sizes>', `length of a key (${KEY_BYTES})`, sizes('key'))
    .option(
      '--value-size <sizes>',
      "length of a value (etc: Facebook's distribution)",
      sizes('value'),
    )
    .option('--ttl <seconds>', 'until what is stored expires (never)', sizes('ttl'))
    .option('--operations <n>', `gets of a stream (${OPERATIONS})`, wholeNumber(100))
    .option('--json <file>', 'write everything there, with every number')
    .option('--from <file>', 'show the report of such a file again, and measure nothing')
    .option(
      '--markdown [file]',
      `print markdown; or write it there, between ${placeOf('hitratio').begin} and its end where the file has them`,
    )
    .option('--plot <file>', 'draw the curves there, as SVG')
}

export function toHitRatioPlan(flags: HitRatioFlags): HitRatioPlan {
  const ownArgs = splitArguments(flags.memshardArgs ?? '')
  const servers = (flags.servers ?? SERVERS).map((text) => {
    const server = parseServerCommand(text)
    return server.isMemshard ? { ...server, args: [...server.args, ...ownArgs] } : server
  })
  const workload: Workload = {
    ...DEFAULT_WORKLOAD,
    name: 'hitratio',
    keys: flags.keys ?? KEYS,
    keyBytes: flags.keySize ?? KEY_BYTES,
    valueBytes: flags.valueSize ?? VALUE_BYTES,
    ttl: flags.ttl ?? 0,
    connections: 1,
    depth: DEPTH,
    fillMisses: true,
  }
  checkWorkload(workload)
  if (flags.from !== undefined && flags.json !== undefined) {
    throw new BenchError('USAGE', '--from measures nothing that --json could keep: give one')
  }
  return {
    from: flags.from,
    servers,
    memories: flags.memory ?? [MEMORY],
    popularities: flags.popularity ?? POPULARITIES,
    workload,
    operations: flags.operations ?? OPERATIONS,
    markdown: flags.markdown,
    json: flags.json,
    plot: flags.plot,
  }
}

/** Enough gets in flight to hide the round trip, few enough that a key is seldom missed twice meanwhile. */
const DEPTH = 32
