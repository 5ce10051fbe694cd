// Every workload through every client against the same nodes, in turn, and ours held against the best of
// the others. Knows the order of things; neither the clients nor how a report looks.

import { formatAddress } from '../load/address.ts'
import { readStatistics } from '../load/statistics.ts'
import { type Spread, spreadOf } from '../measure/statistics.ts'
import { describeEnvironment, type Environment } from '../report/environment.ts'
import {
  type Placement,
  parseServerCommand,
  type RunningServer,
  raisePriority,
  type ServerCommand,
  separateCores,
  startServer,
} from '../servers.ts'
import type { ClientRound } from './callers.ts'
import { CLIENT_WORKLOADS, type ClientWorkload } from './client-workloads.ts'
import { type InstalledClient, OURS } from './known-clients.ts'
import { MeasuredClient } from './measured-client.ts'

export interface ClientsOptions {
  /** As `--compare` takes it: what the nodes are. */
  readonly server: string
  readonly clients: readonly InstalledClient[]
  /** Names of {@link CLIENT_WORKLOADS}. */
  readonly only: readonly string[]
  readonly rounds: number
  readonly roundMs: number
  readonly warmupMs: number
  readonly commandLine: string
}

export interface ClientsReport {
  readonly environment: Environment
  readonly server: { readonly label: string; readonly version: string }
  readonly clients: readonly Omit<InstalledClient, 'open'>[]
  readonly placement: Placement | undefined
  readonly prioritized: boolean
  readonly rounds: number
  readonly roundMs: number
  readonly commandLine: string
  readonly minutes: number
  /** False when it was interrupted: then what was not finished is missing. */
  readonly complete: boolean
  readonly rows: readonly ClientsRow[]
}

export interface ClientsRow {
  readonly workload: ClientWorkload
  readonly entries: readonly ClientEntry[]
}

export interface ClientEntry {
  readonly client: string
  readonly rounds: readonly ClientRound[]
  /** Microseconds of the process's CPU time per key. */
  readonly cpu: Spread
  readonly operationsPerSecond: Spread
  readonly wrong: number
  /** How what it did was easier than what the others did, and so not to be compared; empty for these. */
  readonly easier: string
  /** Undefined for ours. Above 1, ours is better; of the rounds that belong together. */
  readonly timesOurs: TimesOurs | undefined
}

export interface TimesOurs {
  readonly cpu: Spread
  readonly throughput: Spread
}

/** Before every round, so that a client which has been idle meanwhile is awake. */
const WAKE_PART = 0.2
const NODE_ARGS = ['-t', '1', '-m', '256']
const MS_PER_MINUTE = 60_000
const MICROSECONDS_PER_SECOND = 1e6

/** Throws a BenchError when a node cannot be started, or a client gives wrong answers. */
export async function measureClients(
  options: ClientsOptions,
  progress: (what: string) => void,
  signal: AbortSignal,
): Promise<ClientsReport> {
  const begun = performance.now()
  const environment = describeEnvironment()
  const placement = separateCores()
  const prioritized = raisePriority()
  const server = parseServerCommand(options.server)
  const workloads = CLIENT_WORKLOADS.filter(({ name }) => options.only.includes(name))
  await using nodes = await startNodes(
    server,
    Math.max(...workloads.map((workload) => workload.nodes)),
    placement,
  )
  const rows: ClientsRow[] = []
  for (const workload of workloads) {
    const row = await measureWorkload(workload, nodes.addresses, options, progress, signal)
    if (row !== undefined) rows.push(row)
  }
  const { rounds, roundMs, commandLine } = options
  return {
    environment,
    server: { label: server.label, version: nodes.version },
    clients: options.clients.map(({ open: _, ...client }) => client),
    placement,
    prioritized,
    rounds,
    roundMs,
    commandLine,
    minutes: (performance.now() - begun) / MS_PER_MINUTE,
    complete: !signal.aborted,
    rows,
  }
}

interface Nodes extends AsyncDisposable {
  readonly addresses: readonly string[]
  readonly version: string
}

async function startNodes(
  server: ServerCommand,
  count: number,
  placement: Placement | undefined,
): Promise<Nodes> {
  const running: RunningServer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((node) => node[Symbol.asyncDispose]()))
  }
  try {
    while (running.length < count) {
      running.push(await startServer(server, NODE_ARGS, placement?.server))
    }
    const { version } = await readStatistics(running[0]!.address)
    const addresses = running.map(({ address }) => formatAddress(address))
    return { addresses, version, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Undefined when it was interrupted. */
async function measureWorkload(
  workload: ClientWorkload,
  addresses: readonly string[],
  { clients, rounds, roundMs, warmupMs }: ClientsOptions,
  progress: (what: string) => void,
  signal: AbortSignal,
): Promise<ClientsRow | undefined> {
  const measured: Measured[] = []
  try {
    for (const { name, open, shards } of clients) {
      if (signal.aborted) return undefined
      progress(`${workload.name}: ${name} stores and reads back`)
      const process = await MeasuredClient.open(name, workload, addresses.slice(0, workload.nodes))
      const easier =
        open === undefined ? 'no client' : shards || workload.nodes === 1 ? '' : '1 node'
      measured.push({ name, easier, process, rounds: [] })
      await process.run(warmupMs)
    }
    for (let round = 0; round < rounds; round++) {
      progress(`${workload.name}: round ${round + 1} of ${rounds}`)
      // The order changes every round, so that nobody is always the one who comes second.
      for (const { process, rounds } of round % 2 === 0 ? measured : measured.toReversed()) {
        if (signal.aborted) return undefined
        await process.run(roundMs * WAKE_PART)
        rounds.push(await process.run(roundMs))
      }
    }
    const ours = measured.find(({ name }) => name === OURS.name)?.rounds
    return {
      workload,
      entries: measured.map((it) => toEntry(it, it.name === OURS.name ? undefined : ours)),
    }
  } finally {
    await Promise.all(measured.map(({ process }) => process[Symbol.asyncDispose]()))
  }
}

interface Measured {
  readonly name: string
  readonly easier: string
  readonly process: MeasuredClient
  readonly rounds: ClientRound[]
}

function toEntry(
  { name, easier, rounds }: Measured,
  ours: readonly ClientRound[] | undefined,
): ClientEntry {
  return {
    client: name,
    easier,
    rounds,
    cpu: spreadOf(rounds.map(cpuPerOperation)),
    operationsPerSecond: spreadOf(rounds.map(throughput)),
    wrong: rounds.reduce((sum, { wrong }) => sum + wrong, 0),
    timesOurs: ours && {
      cpu: spreadOf(rounds.map((round, i) => cpuPerOperation(round) / cpuPerOperation(ours[i]!))),
      throughput: spreadOf(rounds.map((round, i) => throughput(ours[i]!) / throughput(round))),
    },
  }
}

function cpuPerOperation({ cpuSeconds, operations }: ClientRound): number {
  return (cpuSeconds * MICROSECONDS_PER_SECOND) / operations
}

function throughput({ operations, seconds }: ClientRound): number {
  return operations / seconds
}
