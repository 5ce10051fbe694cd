// The flags of `memshard-bench clients`, and the plan they make.
// Runs nothing and prints nothing.
import { Command } from 'commander'
import { CLIENT_WORKLOADS } from './clients/client-workloads.ts'
import { KNOWN_CLIENTS, knownClient } from './clients/known-clients.ts'
import { BenchError } from './errors.ts'
import { duration, usage, wholeNumber } from './flag-values.ts'
import { placeOf } from './report/page.ts'

export interface ClientsPlan {
  /** A report of an earlier run to show again, instead of measuring. */
  readonly from: string | undefined
  readonly server: string
  /** Undefined: all that are installed. */
  readonly clients: readonly string[] | undefined
  readonly only: readonly string[]
  readonly rounds: number
  readonly roundMs: number
  readonly warmupMs: number
  /** True: print markdown instead of text. A path: write it there, too. */
  readonly markdown: string | true | undefined
  readonly json: string | undefined
  readonly plot: string | undefined
}

interface ClientsFlags {
  readonly server?: string
  readonly clients?: readonly string[]
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

const FULL = { rounds: 5, roundMs: 500, warmupMs: 500 }
const QUICK = { rounds: 1, roundMs: 50, warmupMs: 20 }
const SERVER = 'memshard'

export function defineClientsCommand(): Command {
  const workloads = CLIENT_WORKLOADS.map(({ name }) => name)
  const clients = KNOWN_CLIENTS.map(({ name }) => name)
  return new Command('memshard-bench clients')
    .description(
      "Measures what a call costs in the application's process, through our client and those of npm, which need not all be installed.",
    )
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .option('--server <server>', `what the nodes are, as --compare takes it (${SERVER})`)
    .option('--clients <names>', `of ${clients.join(' ')} (those installed)`, usage(clientNames))
    .option('--only <names>', `of ${workloads.join(' ')}`, usage(workloadNames))
    .option('--rounds <n>', `alternating rounds (${FULL.rounds})`, wholeNumber(1))
    .option('--duration <time>', `measured time of a round (${FULL.roundMs}ms)`, duration)
    .option('--warmup <time>', `load before it is measured (${FULL.warmupMs}ms)`, duration)
    .option('--quick', 'only see whether everything works: one short round')
    .option('--json <file>', 'write everything there, with every round')
    .option('--from <file>', 'show the report of such a file again, and measure nothing')
    .option(
      '--markdown [file]',
      `print markdown; or write it there, between ${placeOf('clients').begin} and its end where the file has them`,
    )
    .option('--plot <file>', 'draw it there, as SVG')
}

export function toClientsPlan(flags: ClientsFlags): ClientsPlan {
  const lengths = flags.quick ? QUICK : FULL
  return {
    from: flags.from,
    server: flags.server ?? SERVER,
    clients: flags.clients,
    only: flags.only ?? CLIENT_WORKLOADS.map(({ name }) => name),
    rounds: flags.rounds ?? lengths.rounds,
    roundMs: flags.duration ?? lengths.roundMs,
    warmupMs: flags.warmup ?? lengths.warmupMs,
    markdown: flags.markdown,
    json: flags.json,
    plot: flags.plot,
  }
}

function clientNames(text: string): readonly string[] {
  return text.split(',').map((name) => knownClient(name).name)
}

function workloadNames(text: string): readonly string[] {
  const known = CLIENT_WORKLOADS.map(({ name }) => name)
  for (const name of text.split(',')) {
    if (known.includes(name)) continue
    throw new BenchError('USAGE', `there is no workload "${name}": choose from ${known.join(', ')}`)
  }
  return text.split(',')
}
