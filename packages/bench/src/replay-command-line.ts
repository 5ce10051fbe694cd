// The flags of `memshard-bench replay` and `memshard-bench trace`, and the plans they make.
// Runs nothing and prints nothing.
import { Command, Option } from 'commander'
import { BenchError } from './errors.ts'
import { usage, wholeNumber } from './flag-values.ts'
import { parseAddress, type ServerAddress } from './load/address.ts'
import type { DriverChoice } from './load/driver.ts'
import type { Target } from './run.ts'
import type { Output } from './run-command-line.ts'
import { TRACE_FORMATS, type TraceFormat } from './trace/trace-layout.ts'
import { DEFAULT_WORKLOAD, PROTOCOLS, type Protocol, type Workload } from './workload/workload.ts'
import { addWorkloadFlags, type WorkloadFlags, workloadsOf } from './workload-flags.ts'

export interface ReplayPlan {
  readonly file: string
  readonly format: TraceFormat | undefined
  readonly ticksPerSecond: number
  /** 1: as it was recorded. Undefined: as fast as it is answered. */
  readonly speed: number | undefined
  readonly operations: number | undefined
  readonly target: Target
  readonly protocol: Protocol
  readonly connections: number
  readonly depth: number
  readonly fillMisses: boolean
  readonly driver: DriverChoice
  readonly output: Output
}

export interface TracePlan {
  readonly file: string
  readonly workload: Workload
  readonly operations: number
}

interface ReplayFlags {
  readonly server?: ServerAddress
  readonly pid?: number
  readonly format?: TraceFormat
  readonly milliseconds?: true
  readonly speed?: number
  readonly operations?: number
  readonly protocol?: Protocol
  readonly connections?: number
  readonly depth?: number
  readonly fillMisses?: true
  readonly driver?: DriverChoice
  readonly json?: true
  readonly csv?: string
  readonly hdr?: string
  readonly html?: string
  readonly live?: boolean
}

const DEFAULT_SERVER = '127.0.0.1:11211'
const TRACE_OPERATIONS = 1_000_000

export function defineReplayCommand(): Command {
  const d = DEFAULT_WORKLOAD
  return new Command('memshard-bench replay')
    .description(
      "Plays the requests of a trace file: Twitter's format, or CSV with a header that names time, key, op, size, ttl; plain, gzip or zstd.",
    )
    .helpOption('-h, --help', 'print this help')
    .argument('<file>', 'the trace')
    .allowExcessArguments(false)
    .option(
      '-s, --server <address>',
      `as of memshard-bench (${DEFAULT_SERVER})`,
      usage(parseAddress),
    )
    .option('--pid <pid>', "the server's process, to measure its CPU time", wholeNumber(1))
    .addOption(
      new Option('--format <name>', 'of the file (told from its first line)').choices(
        TRACE_FORMATS,
      ),
    )
    .option('--milliseconds', "the trace's times are in milliseconds, not seconds")
    .option(
      '--speed <factor>',
      'play requests when they were recorded, so many times as fast (as fast as they are answered)',
      speed,
    )
    .option('--operations <n>', 'play so many at most', wholeNumber(1))
    .addOption(new Option('--protocol <name>', `(${d.protocol})`).choices(PROTOCOLS))
    .option('-c, --connections <n>', `connections (${d.connections})`, wholeNumber(1))
    .option('-d, --depth <n>', `requests in flight on each (${d.depth})`, wholeNumber(1))
    .option('--fill-misses', 'store what a get has missed')
    .addOption(
      new Option('--driver <name>', 'how sockets are driven (auto)').choices([
        'auto',
        'epoll',
        'node',
      ]),
    )
    .option('--json', 'print JSON, with every interval')
    .option('--csv <file>', 'write a line for each interval')
    .option('--hdr <file>', 'write an HdrHistogram log')
    .option('--html <file>', 'write a page with plots, which opens offline')
    .option('--no-live', 'no progress bar')
}

export function toReplayPlan(flags: ReplayFlags, [file]: readonly string[]): ReplayPlan {
  const { csv, hdr, html, live } = flags
  if (file === undefined) throw new BenchError('USAGE', 'name the trace file')
  return {
    file,
    format: flags.format,
    ticksPerSecond: flags.milliseconds ? 1_000 : 1,
    speed: flags.speed,
    operations: flags.operations,
    target: {
      servers: [flags.server ?? parseAddress(DEFAULT_SERVER)],
      pids: flags.pid === undefined ? [] : [flags.pid],
    },
    protocol: flags.protocol ?? DEFAULT_WORKLOAD.protocol,
    connections: flags.connections ?? DEFAULT_WORKLOAD.connections,
    depth: flags.depth ?? DEFAULT_WORKLOAD.depth,
    fillMisses: flags.fillMisses ?? false,
    driver: flags.driver ?? 'auto',
    output: { format: flags.json ? 'json' : 'text', csv, hdr, html, live },
  }
}

export function defineTraceCommand(): Command {
  const command = new Command('memshard-bench trace')
    .description(
      "Writes what a workload asks for as a trace of Twitter's format, which `replay` and cache simulators read.",
    )
    .helpOption('-h, --help', 'print this help')
    .argument('<file>', 'CSV, compressed if its name ends with .gz')
    .allowExcessArguments(false)
    .option('--operations <n>', `so many (${TRACE_OPERATIONS})`, wholeNumber(1))
  return addWorkloadFlags(command)
}

export function toTracePlan(
  flags: WorkloadFlags & { readonly operations?: number },
  [file]: readonly string[],
): TracePlan {
  const [workload, ...others] = workloadsOf(flags, [DEFAULT_WORKLOAD])
  if (file === undefined) throw new BenchError('USAGE', 'name the file to write')
  if (!workload || others.length > 0) {
    throw new BenchError('USAGE', 'a trace is of one workload: name one')
  }
  return { file, workload, operations: flags.operations ?? TRACE_OPERATIONS }
}

function speed(text: string): number {
  return usage((value) => {
    const factor = Number(value)
    if (factor > 0 && Number.isFinite(factor)) return factor
    throw new BenchError('USAGE', 'it takes a number, as 1 or 0.5 or 10')
  })(text)
}
