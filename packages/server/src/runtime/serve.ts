// The process that serves, until it ends: signals, what it says of itself, and its exit code. Knows nothing of the
// command line.
import { LockAbandonedError } from '../cache/lock.ts'
import { ListenError } from '../transport/listeners.ts'
import { isDaemon, tellServing } from './daemon-process.ts'
import { onStderr } from './journal.ts'
import type { Log } from './log.ts'
import { EX_USAGE } from './option-values.ts'
import { EX_NOUSER, UserError } from './privileges.ts'
import { LimitError } from './process-limits.ts'
import type { NodeRegistration } from './registration.ts'
import { type Server, startServer } from './server.ts'
import type { ServiceManager } from './service-manager.ts'
import type { Settings } from './settings.ts'
import { StartError } from './start-error.ts'
import { ThreadFailure } from './thread-failure.ts'
import { SERVER_VERSION } from './version.ts'
import type { WorkerThreads } from './worker-threads.ts'

/** As memcached exits when the system refuses it something (EX_OSERR). */
const EX_OSERR = 71

/** How long the reason for which a thread has ended may take to be known, once it is known that it has. */
const REASON_MS = 5_000

export async function serve(settings: Settings, log: Log, threads: WorkerThreads): Promise<void> {
  let server: Server | undefined
  let reloadAsked = false
  let stopAsked: { readonly graceful: boolean } | undefined
  let registration: NodeRegistration | undefined
  let manager: ServiceManager | undefined
  // Before anything else: a signal may come while the server starts, or when it has just begun to serve.
  process.on('SIGTERM', () => stop('SIGTERM', false))
  process.on('SIGINT', () => stop('SIGINT', false))
  process.on('SIGUSR1', () => stop('SIGUSR1', true))
  process.on('SIGHUP', () => {
    log.info('SIGHUP: reloading')
    reloadAsked = true
    manager?.reloading()
    server?.reload()
    if (server !== undefined) manager?.ready(statusOf(server))
  })
  function stop(signal: string, graceful: boolean): void {
    log.info({ signal, graceful }, 'stopping')
    manager?.stopping()
    // Who asks twice doesn't want to wait for clients to go elsewhere.
    const again = stopAsked !== undefined
    stopAsked = { graceful }
    if (again || registration === undefined) server?.stop(graceful)
    else void registration.leave().then(() => server?.stop(graceful))
  }
  // What the main thread does beside requests may fail as well, and then nothing else would end the process: Node
  // waits for its threads, and those wait in the kernel.
  process.on('uncaughtException', (error) => {
    if (error instanceof LockAbandonedError) setTimeout(fail, REASON_MS, error)
    else fail(error)
  })
  let failing = false
  /** The cache may be half changed: a cache may die, it must not lie. */
  function fail(error: unknown): void {
    if (failing) return
    failing = true
    log.fatal({ err: error }, isOfAnotherThread(error) ? error.message : 'the main thread failed')
    server?.abandon()
    process.exit(1)
  }
  try {
    server = await startServer(settings, log, threads)
  } catch (error) {
    process.exitCode = exitCodeFor(error)
    await complain(error instanceof Error ? error.message : String(error))
    return
  }
  log.info({ addresses: server.addresses, version: SERVER_VERSION }, 'serving')
  tellServing()
  if (process.env.NOTIFY_SOCKET !== undefined && stopAsked === undefined) {
    manager = await superviseBy(process.env, server, log)
  }
  if (reloadAsked) server.reload()
  if (settings.registration !== undefined && stopAsked === undefined) {
    const { keepRegistered } = await import('./registration.ts')
    registration = keepRegistered(settings.registration, portOf(server), log)
  }
  // Threads that wait for the kernel can't be ended from outside, only asked: so a stop waits for the start.
  if (stopAsked !== undefined) server.stop(stopAsked.graceful)
  try {
    await server.closed
  } catch (error) {
    fail(error)
  }
  await registration?.leave()
  log.info('stopped')
  process.exit(0)
}

async function superviseBy(
  env: NodeJS.ProcessEnv,
  { administered, addresses }: Server,
  log: Log,
): Promise<ServiceManager> {
  const { openServiceManager } = await import('./service-manager.ts')
  const manager = openServiceManager(env, log)
  manager.ready(statusOf({ addresses }))
  if (env.WATCHDOG_USEC !== undefined) {
    const { administeredNode } = await import('./administered-node.ts')
    const { alive } = await import('../admin/health.ts')
    const node = administeredNode(administered, () => false)
    manager.keepAlive(async () => {
      const { well, reason } = await alive(node)
      return well ? undefined : reason
    })
  }
  return manager
}

function statusOf({ addresses }: Pick<Server, 'addresses'>): string {
  return `serving on ${addresses.join(', ')}`
}

function isOfAnotherThread(error: unknown): error is Error {
  return error instanceof ThreadFailure || error instanceof LockAbandonedError
}

/** Where it listens on TCP, which the system may have chosen. */
function portOf({ addresses }: Server): number {
  return Number(/:(\d+)$/.exec(addresses[0])?.[1])
}

/** By its code: the module that has the class is loaded for TLS alone. */
function isCertificateError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MEMSHARD_CERTIFICATE'
}

function exitCodeFor(error: unknown): number {
  if (error instanceof UserError) return EX_NOUSER
  if (isCertificateError(error)) return EX_USAGE
  if (error instanceof ListenError || error instanceof StartError || error instanceof LimitError) {
    return EX_OSERR
  }
  return 1
}

/** Says why the server can't serve: on stderr, or, as a daemon, to the process that started it. */
function complain(message: string): Promise<void> {
  return new Promise((resolve) => {
    if (!isDaemon() || process.send === undefined) {
      process.stderr.write(onStderr(message), () => resolve())
    } else {
      process.send(message, () => resolve())
    }
  })
}
