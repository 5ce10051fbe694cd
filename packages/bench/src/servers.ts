// Starts the servers that --compare measures, and makes sure that none is left behind.
// Knows how to launch, await and stop a process; nothing of the load.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError } from './errors.ts'
import { formatAddress, parseAddress, reachServer, type ServerAddress } from './load/address.ts'
import type { TlsSettings } from './load/tls.ts'

/** A server as `--compare` names it: one to start, or one that stands somewhere. */
export type ComparedTarget = ServerCommand | StandingServer

export interface StandingServer {
  readonly kind: 'standing'
  readonly label: string
  readonly address: ServerAddress
  /** Its process, where that is on this machine. */
  readonly pid: number | undefined
}

export interface ServerCommand {
  readonly kind: 'command'
  /** What the report calls it. */
  readonly label: string
  /** An executable that takes memcached's flags, or `{port}` among its own. */
  readonly command: string
  /** Flags of its own, besides those that all get. */
  readonly args: readonly string[]
  /** The server of this repository. */
  readonly isMemshard: boolean
}

/** What a load needs to know of a server. */
export interface ReadyServer extends AsyncDisposable {
  readonly address: ServerAddress
  readonly pid: number | undefined
  /** As one would type it, without the place where this repository happens to be. */
  readonly commandLine: string
}

export interface RunningServer extends ReadyServer {
  readonly pid: number
  /** From launch to the first answer. */
  readonly readyAfterMs: number
  readonly process: ChildProcess
}

export interface LaunchOptions {
  /** A program that runs the server, with its arguments: `['node', '--trace-gc']`. */
  readonly launcher?: readonly string[]
  /** Keep what it prints, and a channel for messages, which the launcher must expect. */
  readonly observed?: boolean
  /** Its flags make it speak TLS. */
  readonly tls?: TlsSettings | undefined
}

const READY_DEADLINE_MS = 15_000
const READY_POLL_MS = 2
const PORT_PLACE = '{port}'

/** Reads `host:port`, `host:port@pid`, or what {@link parseServerCommand} does; `ownArgs` are for memshard. */
export function parseComparedTarget(text: string, ownArgs: readonly string[]): ComparedTarget {
  const match = /^(?:([\w.-]+)=)?((?:[\w.-]+|\[[\da-f:]+\]):\d+)(?:@(\d+))?$/i.exec(text.trim())
  if (match?.[2]) {
    const [, label = match[2], address, pid] = match
    return {
      kind: 'standing',
      label,
      address: parseAddress(address ?? ''),
      pid: pid === undefined ? undefined : Number(pid),
    }
  }
  const command = parseServerCommand(text)
  return command.isMemshard ? { ...command, args: [...command.args, ...ownArgs] } : command
}

/** Reads `memcached`, `memshard`, a command line, or `label=command line`. */
export function parseServerCommand(text: string): ServerCommand {
  const match = /^(?:([\w.-]+)=)?(.+)$/s.exec(text.trim())
  const [command = '', ...args] = splitArguments(match?.[2] ?? '')
  if (command === '') {
    throw new BenchError('USAGE', `"${text}" is no server: write memcached, memshard or a command`)
  }
  const label = match?.[1] ?? command.split('/').at(-1) ?? command
  const isMemshard = command === 'memshard'
  return {
    kind: 'command',
    label,
    command: isMemshard ? memshardServer() : command,
    args,
    isMemshard,
  }
}

/** Of @memshard/server, wherever it is installed. */
function memshardServer(): string {
  const { resolve } = createRequire(import.meta.url)
  try {
    return join(dirname(resolve('@memshard/server/package.json')), 'bin', 'memshard-server')
  } catch (cause) {
    const message =
      '@memshard/server is not installed: npm install @memshard/server, or name another'
    throw new BenchError('CANNOT_START', message, { cause })
  }
}

/** Throws a BenchError for a path that leads nowhere, before anything is started. */
export function checkServer(server: ComparedTarget): void {
  if (server.kind === 'standing') return
  const { command } = server
  if (command.includes('/') && !existsSync(command)) {
    throw new BenchError('CANNOT_START', `there is no ${command}: build it, or name another`)
  }
}

/** Splits at spaces; quotes are not special. */
export function splitArguments(text: string): string[] {
  return text.split(/\s+/).filter((part) => part !== '')
}

/** Starts the server if it has to be started. */
export async function readyServer(
  server: ComparedTarget,
  args: readonly string[],
  cores: string | undefined,
  tls: TlsSettings | undefined,
): Promise<ReadyServer> {
  if (server.kind === 'command') return startServer(server, args, cores, { tls })
  const { address, pid } = server
  const commandLine = formatAddress(address)
  return { address, pid, commandLine, [Symbol.asyncDispose]: () => Promise.resolve() }
}

/**
 * Starts the server on a free port of 127.0.0.1 and resolves when it answers `version`. `cores` are
 * those that it is pinned to with taskset; disposing of the result ends the process.
 */
export async function startServer(
  server: ServerCommand,
  commonArgs: readonly string[],
  cores: string | undefined,
  { launcher = [], observed = false, tls }: LaunchOptions = {},
): Promise<RunningServer> {
  const port = await freePort()
  const args = serverArguments(server, port, commonArgs)
  const shown = server.isMemshard ? 'memshard-server' : server.command
  const commandLine = [shown, ...args].join(' ')
  const pinning = cores === undefined ? [] : ['taskset', '-c', cores]
  const [executable = '', ...rest] = [...pinning, ...launcher, server.command, ...args]
  // In a process group of its own: an interrupt at the terminal is for the bench, which ends its servers.
  const launchedAt = performance.now()
  const child = spawn(executable, rest, {
    stdio: observed ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const stop = keepForStopping(child)
  if (isPrioritized && child.pid !== undefined) preferSession(child.pid, PRIORITY)
  const address: ServerAddress = { kind: 'tcp', host: '127.0.0.1', port }
  try {
    await ready(child, { address, tls, commandLine })
  } catch (error) {
    await stop()
    throw error
  }
  const readyAfterMs = performance.now() - launchedAt
  return {
    address,
    pid: child.pid ?? -1,
    commandLine,
    readyAfterMs,
    process: child,
    [Symbol.asyncDispose]: stop,
  }
}

/** One that is told its port by `{port}` takes other flags than memcached's, and gets none but its own. */
function serverArguments(
  { args }: ServerCommand,
  port: number,
  commonArgs: readonly string[],
): string[] {
  if (args.some((arg) => arg.includes(PORT_PLACE))) {
    return args.map((arg) => arg.replaceAll(PORT_PLACE, String(port)))
  }
  // Like memcached, the server wants to be told who it should be when it is started by root.
  const identity = process.getuid?.() === 0 ? ['-u', 'root'] : []
  return ['-l', '127.0.0.1', '-p', String(port), ...identity, ...commonArgs, ...args]
}

interface Awaited {
  readonly address: ServerAddress
  readonly tls: TlsSettings | undefined
  readonly commandLine: string
}

async function ready(child: ChildProcess, { address, tls, commandLine }: Awaited): Promise<void> {
  let complaint = ''
  let refusal: unknown
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 2_000)
  })
  child.once('error', (error) => {
    complaint += error.message
  })
  const deadline = Date.now() + READY_DEADLINE_MS
  for (;;) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      await sleep(0)
      throw new BenchError(
        'CANNOT_START',
        `"${commandLine}" ended before it served: ${complaint.trim() || 'it said nothing'}`,
      )
    }
    try {
      if ((await reachServer(address, tls)).version !== undefined) return
    } catch (cause) {
      // Not listening yet, unless it stays so.
      refusal = cause
    }
    if (Date.now() > deadline) {
      throw new BenchError(
        'CANNOT_START',
        `"${commandLine}" did not answer within ${READY_DEADLINE_MS} ms: ${complaint.trim()}`,
        { cause: refusal },
      )
    }
    await sleep(READY_POLL_MS)
  }
}

/**
 * Whatever way the bench ends, short of SIGKILL, the child ends too. A cache has nothing to save, and
 * memcached takes a second to stop when it is asked to: so it is not asked.
 */
function keepForStopping(child: ChildProcess): () => Promise<void> {
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.once('exit', kill)
  return async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      kill()
      await exited
    }
    process.off('exit', kill)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return address.port
}

/** The cores that load and server get, one for each, as taskset takes them. */
export interface Placement {
  readonly load: string
  readonly server: string
  /** All there are, for a server whose threads are to run side by side. */
  readonly all: string
}

/**
 * Binds this process, all its threads, to one core and names another for the server. Undefined where
 * there are not two cores, or no taskset: then the operating system places both.
 */
export function separateCores(): Placement | undefined {
  try {
    const affinity = execFileSync('taskset', ['-c', '-p', String(process.pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const cpus = affinity.slice(affinity.lastIndexOf(':') + 1)
    const [load, server] = parseCpuList(cpus).map(String)
    if (load === undefined || server === undefined) return undefined
    execFileSync('taskset', ['-a', '-c', '-p', load, String(process.pid)], {
      stdio: 'ignore',
    })
    return { load, server, all: parseCpuList(cpus).join(',') }
  } catch {
    return undefined
  }
}

/** As far as nice goes without being in the way of the system itself. */
const PRIORITY = -15

/**
 * Puts this process, and the servers it starts from now on, before whatever else runs on the machine,
 * where that is permitted: what others do then disturbs less. False where it is not.
 */
export function raisePriority(): boolean {
  try {
    setPriority(PRIORITY)
  } catch {
    return false
  }
  isPrioritized = true
  preferSession('self', PRIORITY)
  // The session is that of the shell the bench was started from.
  process.once('exit', () => preferSession('self', 0))
  return true
}

let isPrioritized = false

/** Where Linux shares processor time between sessions first, a process's priority counts only within its own. */
function preferSession(pid: number | 'self', priority: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(priority))
  } catch {
    // Sessions are not grouped here.
  }
}

/** Reads `0-3,8` as 0, 1, 2, 3, 8. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
}
