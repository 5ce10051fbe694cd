// Turns the command line into a plan, or into a sentence that says what is wrong with it.
// Runs nothing and prints nothing.
import { Command, CommanderError, Option } from 'commander'
import { type ClientsPlan, defineClientsCommand, toClientsPlan } from './clients-command-line.ts'
import { type CostPlan, defineCostCommand, toCostPlan } from './cost-command-line.ts'
import { BenchError } from './errors.ts'
import { byteCount, duration, usage, wholeNumber } from './flag-values.ts'
import { parseAddress, type ServerAddress } from './load/address.ts'
import type { DriverChoice, Pace } from './load/driver.ts'
import { defineRingCommand, type RingPlan, toRingPlan } from './ring-command-line.ts'
import type { RunLength } from './run.ts'
import { parseServerCommand, type ServerCommand, splitArguments } from './servers.ts'
import { COMPARED_BY_DEFAULT, NAMED_WORKLOADS, namedWorkload } from './workload/named.ts'
import { checkWorkload, DEFAULT_WORKLOAD, parseRatio, type Workload } from './workload/workload.ts'

export type Plan =
  | ({ readonly kind: 'run' } & RunPlan)
  | ({ readonly kind: 'compare' } & ComparePlan)
  | ({ readonly kind: 'cost' } & CostPlan)
  | ({ readonly kind: 'clients' } & ClientsPlan)
  | ({ readonly kind: 'ring' } & RingPlan)
  /** Nothing to do but print: help, or the version. */
  | { readonly kind: 'print'; readonly text: string }

interface CommonPlan {
  readonly workloads: readonly Workload[]
  readonly warmupMs: number
  readonly length: RunLength
  readonly driver: DriverChoice
  readonly pace: Pace | undefined
  readonly format: 'text' | 'json' | 'markdown'
}

export interface RunPlan extends CommonPlan {
  readonly server: ServerAddress
  readonly fill: boolean
  readonly pid: number | undefined
}

export interface ComparePlan extends CommonPlan {
  readonly servers: readonly ServerCommand[]
  readonly serverArgs: readonly string[]
  readonly rounds: number
}

interface Flags {
  readonly server?: ServerAddress
  readonly workloads?: readonly Workload[]
  readonly connections?: number
  readonly depth?: number
  readonly ratio?: Workload['ratio']
  readonly keys?: number
  readonly keySize?: number
  readonly valueSize?: number
  readonly multiget?: number
  readonly protocol?: Workload['protocol']
  readonly duration?: number
  readonly requests?: number
  readonly rate?: number
  readonly warmup?: number
  readonly fill: boolean
  readonly pid?: number
  readonly driver?: DriverChoice
  readonly compare?: true | readonly string[]
  readonly rounds?: number
  readonly serverArgs?: string
  readonly memshardArgs?: string
  readonly json?: true
  readonly markdown?: true
}

const RUN_MS = 5_000
/** A round of --compare is one of many. */
const ROUND_MS = 3_000
const WARMUP_MS = 1_000
const ROUNDS = 5
const DEFAULT_SERVER = '127.0.0.1:11211'
/** As the comparison in the benchmark pages is made. */
const SERVER_ARGS = '-t 1 -m 1024'

interface Subcommand {
  readonly name: string
  define(): Command
  plan(flags: object): Plan
}

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: 'cost',
    define: defineCostCommand,
    plan: (flags) => ({ kind: 'cost', ...toCostPlan(flags) }),
  },
  {
    name: 'clients',
    define: defineClientsCommand,
    plan: (flags) => ({ kind: 'clients', ...toClientsPlan(flags) }),
  },
  {
    name: 'ring',
    define: defineRingCommand,
    plan: (flags) => ({ kind: 'ring', ...toRingPlan(flags) }),
  },
]

/** `argv` without node and script. Throws a BenchError with the code USAGE. */
export function parseCommandLine(argv: readonly string[], version: string): Plan {
  const printed: string[] = []
  const [name, ...rest] = argv
  const subcommand = SUBCOMMANDS.find((it) => it.name === name)
  const command = (subcommand?.define() ?? defineCommand(version))
    .exitOverride()
    .configureOutput({ writeOut: (text) => printed.push(text), writeErr: () => {} })
  try {
    command.parse(subcommand ? rest : argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'print', text: printed.join('') }
    throw new BenchError('USAGE', error.message.replace(/^error: /, ''))
  }
  return subcommand?.plan(command.opts()) ?? toPlan(command.opts<Flags>())
}

function defineCommand(version: string): Command {
  const known = NAMED_WORKLOADS.map((workload) => workload.name).join(' ')
  const d = DEFAULT_WORKLOAD
  return new Command('memshard-bench')
    .description(
      'Measures throughput, latency and CPU per operation of any server that speaks the memcached protocol.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .option(
      '-s, --server <address>',
      `host:port, or the path of a unix socket (${DEFAULT_SERVER})`,
      usage(parseAddress),
    )
    .option('-c, --connections <n>', `connections (${d.connections})`, wholeNumber(1))
    .option(
      '-d, --depth <n>',
      `requests in flight on each connection: sent in one piece, the next when all are answered (${d.depth})`,
      wholeNumber(1),
    )
    .option('--ratio <get:set>', 'mix of operations, as 9:1 or 0:1 (1:0)', usage(parseRatio))
    .option('--keys <n>', `distinct keys, in random order (${d.keys})`, wholeNumber(1))
    .option('--key-size <bytes>', `length of a key (${d.keyBytes})`, byteCount)
    .option(
      '--value-size <bytes>',
      `length of a value, as 100, 10k or 1m (${d.valueBytes})`,
      byteCount,
    )
    .option(
      '--multiget <n>',
      `keys asked for by one get request; with meta, n quiet mg and an mn (${d.keysPerGet})`,
      wholeNumber(1),
    )
    .addOption(
      new Option('--protocol <name>', `get and set, or mg and ms (${d.protocol})`).choices([
        'classic',
        'meta',
      ]),
    )
    .option(
      '-w, --workloads <names>',
      `named ones, whose flags the others change: ${known}`,
      workloads,
    )
    .option('--duration <time>', 'measured time, as 500ms, 5s or 2m (5s; a round 3s)', duration)
    .option('--requests <n>', 'measure so many requests instead', wholeNumber(1))
    .option(
      '--rate <n>',
      'requests per second, at random moments and whether the server keeps up or not (as fast as it answers)',
      wholeNumber(1),
    )
    .option('--warmup <time>', 'load before it is measured (1s)', duration)
    .option('--no-fill', 'do not store the keys first; then a miss is no error')
    .option('--pid <pid>', "the server's process, to measure its CPU time", wholeNumber(1))
    .addOption(
      new Option('--driver <name>', 'how sockets are driven (auto)').choices([
        'auto',
        'epoll',
        'node',
      ]),
    )
    .option(
      '--compare [servers...]',
      'start these in turn and compare with the first: memcached, memshard, "label=command and flags" (memcached memshard)',
    )
    .option('--rounds <n>', `rounds of --compare, in alternating order (${ROUNDS})`, wholeNumber(1))
    .option('--server-args <flags>', `flags of all compared servers ("${SERVER_ARGS}")`)
    .option('--memshard-args <flags>', 'flags of memshard alone, as "--transport epoll"')
    .option('--json', 'print JSON, with every round')
    .option('--markdown', 'print the table of --compare as markdown')
    .addHelpText(
      'after',
      '\nmemshard-bench cost --help tells of the measurement of everything against memcached,\nmemshard-bench clients --help of clients against one another,\nmemshard-bench ring --help of the ways to place keys.',
    )
}

function toPlan(flags: Flags): Plan {
  if (flags.duration !== undefined && flags.requests !== undefined) {
    throw new BenchError('USAGE', 'give --duration or --requests, not both')
  }
  if (flags.json && flags.markdown) {
    throw new BenchError('USAGE', 'give --json or --markdown, not both')
  }
  if (flags.rate !== undefined && flags.driver === 'node') {
    throw new BenchError('USAGE', '--rate needs the clock of --driver epoll')
  }
  return flags.compare === undefined ? runPlan(flags) : comparePlan(flags, flags.compare)
}

function runPlan(flags: Flags): Plan {
  if (flags.markdown) {
    throw new BenchError('USAGE', '--markdown prints the table of --compare: add --compare')
  }
  return {
    kind: 'run',
    ...commonPlan(flags, flags.workloads ?? [DEFAULT_WORKLOAD], RUN_MS),
    server: flags.server ?? parseAddress(DEFAULT_SERVER),
    fill: flags.fill,
    pid: flags.pid,
  }
}

function comparePlan(flags: Flags, named: true | readonly string[]): Plan {
  if (flags.pid !== undefined) {
    throw new BenchError('USAGE', '--compare starts the servers itself: leave out --pid')
  }
  if (!flags.fill) {
    throw new BenchError('USAGE', '--compare starts empty servers: leave out --no-fill')
  }
  const servers = named === true ? ['memcached', 'memshard'] : named
  if (servers.length < 2) {
    throw new BenchError('USAGE', '--compare needs two servers or more, as in "memcached memshard"')
  }
  const ownArgs = splitArguments(flags.memshardArgs ?? '')
  return {
    kind: 'compare',
    ...commonPlan(flags, flags.workloads ?? COMPARED_BY_DEFAULT.map(namedWorkload), ROUND_MS),
    servers: servers
      .map(parseServerCommand)
      .map((server) =>
        server.isMemshard ? { ...server, args: [...server.args, ...ownArgs] } : server,
      ),
    serverArgs: splitArguments(flags.serverArgs ?? SERVER_ARGS),
    rounds: flags.rounds ?? ROUNDS,
  }
}

function commonPlan(flags: Flags, chosen: readonly Workload[], milliseconds: number): CommonPlan {
  const workloads = chosen.map((workload) => changeWorkload(workload, flags))
  workloads.forEach(checkWorkload)
  return {
    workloads,
    warmupMs: flags.warmup ?? WARMUP_MS,
    length:
      flags.requests === undefined
        ? { kind: 'duration', milliseconds: flags.duration ?? milliseconds }
        : { kind: 'requests', count: flags.requests },
    driver: flags.driver ?? 'auto',
    pace: flags.rate === undefined ? undefined : { requestsPerSecond: flags.rate, spin: true },
    format: flags.json ? 'json' : flags.markdown ? 'markdown' : 'text',
  }
}

/** What is given on the command line wins over the named workload. */
function changeWorkload(workload: Workload, flags: Flags): Workload {
  return {
    ...workload,
    protocol: flags.protocol ?? workload.protocol,
    ratio: flags.ratio ?? workload.ratio,
    keys: flags.keys ?? workload.keys,
    keyBytes: flags.keySize ?? workload.keyBytes,
    valueBytes: flags.valueSize ?? workload.valueBytes,
    keysPerGet: flags.multiget ?? workload.keysPerGet,
    connections: flags.connections ?? workload.connections,
    depth: flags.depth ?? workload.depth,
  }
}

function workloads(text: string): readonly Workload[] {
  return text.split(',').map(usage(namedWorkload))
}
