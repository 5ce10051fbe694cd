// The flags of the bench's main command, which measures one load, compares servers, or looks for the highest
// rate. Runs nothing.
import { Command, Option } from 'commander'
import { BenchError } from './errors.ts'
import { duration, usage, wholeNumber } from './flag-values.ts'
import { formatAddress, parseAddress, type ServerAddress } from './load/address.ts'
import type { DriverChoice, Pace } from './load/driver.ts'
import { SERVERS_MAX } from './load/homes.ts'
import { ARRIVALS, type Arrivals } from './load/schedule.ts'
import { type TlsSettings, tlsSettings } from './load/tls.ts'
import type { RunLength, Target } from './run.ts'
import { type Objective, parseObjective } from './search.ts'
import { type ComparedTarget, parseComparedTarget, splitArguments } from './servers.ts'
import { COMPARED_BY_DEFAULT, namedWorkload } from './workload/named.ts'
import { DEFAULT_WORKLOAD, type Workload } from './workload/workload.ts'
import { addWorkloadFlags, type WorkloadFlags, workloadsOf } from './workload-flags.ts'

export type MainPlan =
  | ({ readonly kind: 'run' } & RunPlan)
  | ({ readonly kind: 'search' } & SearchPlan)
  | ({ readonly kind: 'compare' } & ComparePlan)

interface CommonPlan {
  readonly workloads: readonly Workload[]
  readonly warmupMs: number
  readonly driver: DriverChoice
  readonly threads: number
  readonly pace: Pace | undefined
  readonly output: Output
}

/** Where a report goes, besides what is printed. */
export interface Output {
  readonly format: 'text' | 'json' | 'markdown'
  readonly csv: string | undefined
  readonly hdr: string | undefined
  readonly html: string | undefined
  /** Print a line for each interval while it runs; undefined: where someone looks. */
  readonly live: boolean | undefined
}

export interface RunPlan extends CommonPlan {
  readonly target: Target
  readonly fill: boolean
  readonly rampMs: number
  readonly intervalMs: number
  readonly length: RunLength
}

export interface SearchPlan extends CommonPlan {
  readonly target: Target
  readonly fill: boolean
  readonly objective: Objective
  readonly firstRate: number
  readonly stepMs: number
}

export interface ComparePlan extends CommonPlan {
  readonly servers: readonly ComparedTarget[]
  readonly serverArgs: readonly string[]
  readonly tls: TlsSettings | undefined
  readonly rounds: number
  readonly intervalMs: number
  readonly length: RunLength
}

interface Flags extends WorkloadFlags {
  readonly server?: readonly ServerAddress[]
  readonly tls?: true
  readonly tlsCa?: string
  readonly tlsInsecure?: true
  readonly duration?: number
  readonly requests?: number
  readonly rate?: number
  readonly arrivals?: Arrivals
  readonly search?: Objective
  readonly step?: number
  readonly ramp?: number
  readonly warmup?: number
  readonly interval?: number
  readonly threads?: number
  readonly fill: boolean
  readonly pid?: readonly number[]
  readonly driver?: DriverChoice
  readonly compare?: true | readonly string[]
  readonly rounds?: number
  readonly serverArgs?: string
  readonly memshardArgs?: string
  readonly json?: true
  readonly markdown?: true
  readonly csv?: string
  readonly hdr?: string
  readonly html?: string
  readonly live?: boolean
}

const RUN_MS = 5_000
/** A round of --compare is one of many. */
const ROUND_MS = 3_000
const WARMUP_MS = 1_000
const INTERVAL_MS = 1_000
/** A round is short, and shows something all the same. */
const ROUND_INTERVAL_MS = 250
const STEP_MS = 2_000
const FIRST_RATE = 1_000
const ROUNDS = 5
const DEFAULT_SERVER = '127.0.0.1:11211'
/** As the comparison in the benchmark pages is made. */
const SERVER_ARGS = '-t 1 -m 1024'

export function defineMainCommand(version: string): Command {
  const command = new Command('memshard-bench')
    .description(
      'Measures throughput, latency and CPU per operation of any server that speaks the memcached protocol.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .optionsGroup('Who is asked:')
    .option(
      '-s, --server <addresses...>',
      `host:port, or the path of a unix socket; several are one ring (${DEFAULT_SERVER})`,
      several(usage(parseAddress)),
    )
    .option('--tls', 'speak TLS')
    .option('--tls-ca <file>', 'certificates to trust, PEM (those that Node trusts)')
    .option('--tls-insecure', 'trust any certificate')
    .option(
      '--pid <pids...>',
      "the server's process, to measure its CPU time and memory",
      several(wholeNumber(1)),
    )
    .option(
      '--compare [servers...]',
      'start these in turn, or take those at addresses, and compare with the first: memcached, memshard, "label=command and memcached\'s flags", "label=command and others, with {port}", label=host:port@pid (memcached memshard)',
    )
    .option('--rounds <n>', `rounds of --compare, in alternating order (${ROUNDS})`, wholeNumber(1))
    .option('--server-args <flags>', `flags of all servers that are started ("${SERVER_ARGS}")`)
    .option('--memshard-args <flags>', 'flags of memshard alone, as "--transport epoll"')
  addWorkloadFlags(command)
  return command
    .optionsGroup('How much, and when:')
    .option('--duration <time>', 'measured time, as 500ms, 5s or 2m (5s; a round 3s)', duration)
    .option('--requests <n>', 'measure so many requests instead', wholeNumber(1))
    .option(
      '--rate <n>',
      'requests per second, whether the server keeps up or not; latency counts from when each was due (as fast as it answers)',
      wholeNumber(1),
    )
    .addOption(
      new Option('--arrivals <how>', 'moments of --rate: at random, or evenly (poisson)').choices(
        ARRIVALS,
      ),
    )
    .option(
      '--search <objective>',
      'look for the highest rate that holds it, as p99<1ms, from --rate on',
      usage(parseObjective),
    )
    .option('--step <time>', 'measured time of each step of --search (2s)', duration)
    .option('--warmup <time>', 'load before it is measured (1s)', duration)
    .option('--ramp <time>', 'before that, let the load grow from nothing (0s)', duration)
    .option('--no-fill', 'do not store the keys first; then a miss is no error')
    .option('--threads <n>', 'that make the load (1)', wholeNumber(1))
    .addOption(
      new Option('--driver <name>', 'how sockets are driven (auto)').choices([
        'auto',
        'epoll',
        'node',
      ]),
    )
    .optionsGroup('What is told:')
    .option('--json', 'print JSON, with every interval')
    .option('--markdown', 'print the table of --compare as markdown')
    .option('--csv <file>', 'write a line for each interval')
    .option(
      '--hdr <file>',
      'write an HdrHistogram log of all intervals, and each percentile as FILE.hgrm',
    )
    .option('--html <file>', 'write a page with plots, which opens offline')
    .option('--interval <time>', 'length of an interval (1s)', duration)
    .option('--live', 'print a line for each interval while it runs (on a terminal)')
    .option('--no-live', 'do not')
    .addHelpText('after', HELP)
}

const HELP = `
Further commands, each with its own --help:
  hitratio   the same requests to several servers with the same memory: who has what is asked for
  replay     the requests of a trace file
  trace      write the requests of a workload as a trace file
  report     pages and tables of runs that --json has kept, side by side
  cost       everything that is measured of memshard against memcached
  clients    clients against one another
  ring       the ways to place keys`

export function toMainPlan(flags: Flags): MainPlan {
  if (flags.duration !== undefined && flags.requests !== undefined) {
    throw new BenchError('USAGE', 'give --duration or --requests, not both')
  }
  if (flags.json && flags.markdown) {
    throw new BenchError('USAGE', 'give --json or --markdown, not both')
  }
  if (flags.arrivals && flags.rate === undefined && !flags.search) {
    throw new BenchError('USAGE', '--arrivals says when requests of a --rate are due: give one')
  }
  if (flags.compare !== undefined) return comparePlan(flags, flags.compare)
  return flags.search === undefined ? runPlan(flags) : searchPlan(flags, flags.search)
}

function runPlan(flags: Flags): MainPlan {
  if (flags.markdown) {
    throw new BenchError('USAGE', '--markdown prints the table of --compare: add --compare')
  }
  return {
    kind: 'run',
    ...commonPlan(flags, [DEFAULT_WORKLOAD]),
    target: targetOf(flags),
    fill: flags.fill,
    rampMs: flags.ramp ?? 0,
    intervalMs: flags.interval ?? INTERVAL_MS,
    length: lengthOf(flags, RUN_MS),
  }
}

function searchPlan(flags: Flags, objective: Objective): MainPlan {
  for (const name of ['duration', 'requests', 'csv', 'hdr', 'html', 'markdown'] as const) {
    if (flags[name] !== undefined) {
      throw new BenchError('USAGE', `--search is made of steps: leave out --${name}`)
    }
  }
  return {
    kind: 'search',
    ...commonPlan(flags, [DEFAULT_WORKLOAD]),
    target: targetOf(flags),
    fill: flags.fill,
    objective,
    firstRate: flags.rate ?? FIRST_RATE,
    stepMs: flags.step ?? STEP_MS,
  }
}

function comparePlan(flags: Flags, named: true | readonly string[]): MainPlan {
  if (flags.pid !== undefined) {
    throw new BenchError(
      'USAGE',
      '--compare starts the servers itself, or takes label=host:port@pid: leave out --pid',
    )
  }
  if (!flags.fill) {
    throw new BenchError('USAGE', '--compare starts empty servers: leave out --no-fill')
  }
  if (flags.csv !== undefined || flags.hdr !== undefined) {
    throw new BenchError('USAGE', '--compare is of many rounds: leave out --csv and --hdr')
  }
  const servers = named === true ? ['memcached', 'memshard'] : named
  if (servers.length < 2) {
    throw new BenchError('USAGE', '--compare needs two servers or more, as in "memcached memshard"')
  }
  const ownArgs = splitArguments(flags.memshardArgs ?? '')
  return {
    kind: 'compare',
    ...commonPlan(flags, COMPARED_BY_DEFAULT.map(namedWorkload)),
    servers: servers.map((text) => parseComparedTarget(text, ownArgs)),
    serverArgs: splitArguments(flags.serverArgs ?? SERVER_ARGS),
    tls: tlsOf(flags),
    rounds: flags.rounds ?? ROUNDS,
    intervalMs: flags.interval ?? ROUND_INTERVAL_MS,
    length: lengthOf(flags, ROUND_MS),
  }
}

function commonPlan(flags: Flags, byDefault: readonly Workload[]): CommonPlan {
  const workloads = workloadsOf(flags, byDefault)
  const threads = flags.threads ?? 1
  const tooFew = workloads.find(({ connections }) => connections < threads)
  if (tooFew) {
    throw new BenchError(
      'USAGE',
      `${threads} threads can't share ${tooFew.connections} connections: lower --threads`,
    )
  }
  return {
    workloads,
    warmupMs: flags.warmup ?? WARMUP_MS,
    driver: flags.driver ?? 'auto',
    threads,
    pace:
      flags.rate === undefined
        ? undefined
        : { requestsPerSecond: flags.rate, arrivals: flags.arrivals ?? 'poisson', spin: true },
    output: {
      format: flags.json ? 'json' : flags.markdown ? 'markdown' : 'text',
      csv: flags.csv,
      hdr: flags.hdr,
      html: flags.html,
      live: flags.live,
    },
  }
}

function targetOf(flags: Flags): Target {
  const servers = flags.server ?? [parseAddress(DEFAULT_SERVER)]
  if (servers.length > SERVERS_MAX) {
    throw new BenchError('USAGE', `there may be ${SERVERS_MAX} servers: give fewer --server`)
  }
  const twice = servers.find((server, index) => {
    const text = formatAddress(server)
    return servers.findIndex((other) => formatAddress(other) === text) !== index
  })
  if (twice) {
    throw new BenchError('USAGE', `--server ${formatAddress(twice)} is given twice: once is enough`)
  }
  return { servers, tls: tlsOf(flags), pids: flags.pid ?? [] }
}

function tlsOf({ tls, tlsCa, tlsInsecure, driver }: Flags): TlsSettings | undefined {
  if (!tls) {
    if (tlsCa === undefined && !tlsInsecure) return undefined
    throw new BenchError('USAGE', '--tls-ca and --tls-insecure go with --tls: add it')
  }
  if (driver === 'epoll') {
    throw new BenchError('USAGE', '--tls needs --driver node, or none')
  }
  return tlsSettings(tlsCa, !tlsInsecure)
}

function lengthOf({ duration, requests }: Flags, milliseconds: number): RunLength {
  return requests === undefined
    ? { kind: 'duration', milliseconds: duration ?? milliseconds }
    : { kind: 'requests', count: requests }
}

/** For an option that is given several values: commander hands over one after the other. */
function several<Value>(
  parse: (text: string) => Value,
): (text: string, before: readonly Value[] | undefined) => readonly Value[] {
  return (text, before = []) => [...before, parse(text)]
}
