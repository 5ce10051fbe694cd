// The flags of `memshard-bench cost`, and the plan they make.
// Runs nothing and prints nothing.
import { Command } from 'commander'
import { COST_PARTS } from './cost/cost.ts'
import { BenchError } from './errors.ts'
import { duration, wholeNumber } from './flag-values.ts'
import { placeOf } from './report/page.ts'

export interface CostPlan {
  /** A report of an earlier run to show again, instead of measuring. */
  readonly from: string | undefined
  /** As `--compare` takes them; undefined: memcached, and ours over each transport. */
  readonly servers: readonly string[] | undefined
  readonly only: readonly string[]
  readonly rounds: number
  readonly roundMs: number
  readonly warmupMs: number
  readonly quick: boolean
  /** True: print markdown instead of text. A path: write it there, too. */
  readonly markdown: string | true | undefined
  readonly json: string | undefined
  readonly plot: string | undefined
}

interface CostFlags {
  readonly servers?: readonly string[]
  readonly only?: readonly string[]
  readonly rounds?: number
  readonly duration?: number
  readonly warmup?: number
  readonly quick?: true
  readonly markdown?: string | true
  readonly json?: string
  readonly plot?: string
  readonly from?: string
}

const FULL = { rounds: 5, roundMs: 1_500, warmupMs: 1_000 }
const QUICK = { rounds: 1, roundMs: 100, warmupMs: 50 }

export function defineCostCommand(): Command {
  return new Command('memshard-bench cost')
    .description(
      'Measures what a request, an item and a server cost, against memcached and the targets set for them.',
    )
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .option(
      '--servers <servers...>',
      'as --compare takes them, the first to compare with (memcached, and memshard over each transport)',
    )
    .option('--only <names>', `parts of it: ${COST_PARTS.join(' ')}`, parts)
    .option('--rounds <n>', `alternating rounds (${FULL.rounds})`, wholeNumber(1))
    .option('--duration <time>', `measured time of a round (${FULL.roundMs}ms)`, duration)
    .option('--warmup <time>', `load before it is measured (${FULL.warmupMs}ms)`, duration)
    .option('--quick', 'only see whether everything works: small sizes, one short round')
    .option('--json <file>', 'write everything there, with every number')
    .option('--from <file>', 'show the report of such a file again, and measure nothing')
    .option(
      '--markdown [file]',
      `print markdown; or write it there, between ${placeOf('cost').begin} and its end where the file has them`,
    )
    .option('--plot <file>', 'draw the ratios there, as SVG')
}

export function toCostPlan(flags: CostFlags): CostPlan {
  if (flags.servers?.length === 1) {
    throw new BenchError('USAGE', '--servers needs two or more, as in "memcached memshard"')
  }
  const lengths = flags.quick ? QUICK : FULL
  return {
    from: flags.from,
    servers: flags.servers,
    only: flags.only ?? COST_PARTS,
    rounds: flags.rounds ?? lengths.rounds,
    roundMs: flags.duration ?? lengths.roundMs,
    warmupMs: flags.warmup ?? lengths.warmupMs,
    quick: flags.quick ?? false,
    markdown: flags.markdown,
    json: flags.json,
    plot: flags.plot,
  }
}

function parts(text: string): readonly string[] {
  const names = text.split(',')
  for (const name of names) {
    if (COST_PARTS.includes(name)) continue
    throw new BenchError(
      'USAGE',
      `there is no part "${name}": choose from ${COST_PARTS.join(', ')}`,
    )
  }
  return names
}
