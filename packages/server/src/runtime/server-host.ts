// What the process gives to the commands of one thread: its settings, its counts, and a way to ask the main thread for
// what it alone can do. Knows no socket.
import { hostname } from 'node:os'
import type { Cache } from '../cache/cache.ts'
import type { ConnectionDescription, Host, ProcessStatistics } from '../protocol/context.ts'
import { Credentials } from '../protocol/credentials.ts'
import { Certificates } from '../transport/certificates.ts'
import type { ConnectionCounts } from '../transport/connection-counts.ts'
import { INPUT_BYTES, type Transport } from '../transport/transport.ts'
import { maxWaitingAnswers } from './buffer-limit.ts'
import type { ReadCertificates } from './certificate-files.ts'
import { refreshCertificates } from './certificate-refresh.ts'
import { loggedStreams } from './event-lines.ts'
import { SaslPasswords } from './sasl-passwords.ts'
import { logLevelOf, type Settings } from './settings.ts'
import { currentSettings, describeSettings } from './settings-report.ts'
import type { ToMain, Work, WorkerTransport } from './worker-messages.ts'

/** Standard input, output and error, epoll set, wake-up, listeners: about as many as memcached counts. */
const RESERVED_DESCRIPTORS_PER_THREAD = 5

export type Tell = (message: ToMain) => void

/** What of a thread's work its host has to know. */
export type HostedWork = Pick<Work, 'settings' | 'credentials'> & {
  readonly transport: Pick<WorkerTransport, 'kind'>
  /** Nobody has to log in: it is the process itself that gives commands. */
  readonly trusted?: boolean
  /** The memory of certificates; undefined without TLS. */
  readonly certificates: SharedArrayBuffer | undefined
  /** How clients may have them read again. */
  readonly readCertificates?: ReadCertificates | undefined
}

export class ServerHost implements Host {
  readonly flushEnabled: boolean
  readonly shutdownEnabled: boolean
  readonly watchEnabled: boolean
  readonly bindingProtocol: Host['bindingProtocol']
  readonly logIn: Host['logIn']
  readonly dumpEnabled: boolean
  readonly debugCommandsEnabled: boolean
  readonly credentials: Credentials | undefined
  readonly requestsPerTurn: number
  readonly maxWaitingAnswers: number
  readonly #transportKind: WorkerTransport['kind']
  readonly #cache: Cache
  readonly #counts: ConnectionCounts
  readonly #certificates: Certificates | undefined
  readonly #tell: Tell
  readonly refreshCertificates: Host['refreshCertificates']
  /** Set once there is one. */
  transport: Transport | undefined
  readonly #settings: Settings

  constructor(work: HostedWork, cache: Cache, counts: ConnectionCounts, tell: Tell) {
    this.#transportKind = work.transport.kind
    this.#tell = tell
    this.#cache = cache
    this.#settings = work.settings
    this.#counts = counts
    this.#certificates =
      work.certificates === undefined ? undefined : new Certificates(work.certificates)
    this.refreshCertificates = refreshOf(work, this.#certificates, cache)
    this.flushEnabled = work.settings.flushEnabled
    this.credentials =
      work.credentials === undefined ? undefined : new Credentials(work.credentials)
    this.requestsPerTurn = work.settings.requestsPerEvent
    this.maxWaitingAnswers = maxWaitingAnswers(work.settings)
    this.bindingProtocol = work.trusted ? 'ascii' : work.settings.bindingProtocol
    this.logIn = work.trusted ? undefined : loginOf(work.settings)
    this.shutdownEnabled = work.settings.shutdownCommandEnabled
    this.dumpEnabled = work.settings.dumpEnabled
    this.debugCommandsEnabled = work.settings.debugCommandsEnabled
    this.watchEnabled = work.settings.watchEnabled
  }

  settings(): readonly (readonly [string, string])[] {
    const settings = currentSettings(this.#settings, this.#cache)
    return describeSettings(settings, this.#cache.flushedUntil)
  }

  process(): ProcessStatistics {
    const { user, system } = process.cpuUsage()
    const { threads, maxConnections, rejectConnectionsOverLimit, idleTimeoutSeconds } =
      this.#settings
    return {
      pid: process.pid,
      userSeconds: user / 1e6,
      systemSeconds: system / 1e6,
      maxConnections,
      currentConnections: this.#counts.current,
      totalConnections: this.#counts.total,
      rejectedConnections: this.#counts.rejected,
      threads,
      rejectsOverLimit: rejectConnectionsOverLimit,
      idleKicks: idleTimeoutSeconds === 0 ? undefined : this.#counts.idleKicks,
      accepting: this.#counts.accepting,
      timesListenDisabled: this.#counts.timesDisabled,
      listenDisabledMicroseconds: this.#counts.microsecondsDisabled,
      reservedDescriptors: RESERVED_DESCRIPTORS_PER_THREAD * threads,
      bufferBytes: threads * INPUT_BYTES,
      transport: this.#transportKind === 'secure' ? 'node' : this.#transportKind,
      tls: this.#tlsStatistics(),
    }
  }

  #tlsStatistics(): ProcessStatistics['tls'] {
    const { tls } = this.#settings
    const { newSessions, handshakeErrors, secureErrors: protocolErrors } = this.#counts
    if (tls === undefined || this.#certificates === undefined) return undefined
    return {
      newSessions: tls.sessionsResumed ? newSessions : undefined,
      handshakeErrors,
      protocolErrors,
      secondsSinceRefresh: this.#cache.clock.now - this.#certificates.refreshedAt,
    }
  }

  connections(asking: number): Iterable<ConnectionDescription> {
    return this.transport?.describeConnections(asking) ?? []
  }

  verbosityChanged(): void {
    const { tuning, events } = this.#cache
    // From the next request on; whoever writes the lines hears of it a little later.
    events.slots.logged = loggedStreams(logLevelOf(tuning.verbosity))
    this.#tell({ kind: 'verbosity', level: this.#cache.tuning.verbosity })
  }

  shutdown(graceful: boolean): void {
    this.#tell({ kind: 'shutdown', graceful })
  }

  wakeBackground(): void {
    this.#tell({ kind: 'wake' })
  }

  resetStatistics(): void {
    this.#counts.reset()
  }
}

function refreshOf(
  { settings: { tls }, readCertificates: read }: HostedWork,
  certificates: Certificates | undefined,
  cache: Cache,
): Host['refreshCertificates'] {
  if (tls === undefined || certificates === undefined || read === undefined) return undefined
  return () => refreshCertificates(certificates, cache, () => read(tls))
}

function loginOf({ saslEnabled, saslPasswordFile }: Settings): Host['logIn'] {
  if (!saslEnabled || saslPasswordFile === undefined) return undefined
  const passwords = new SaslPasswords(saslPasswordFile, hostname())
  return (login) => passwords.accepts(login)
}
