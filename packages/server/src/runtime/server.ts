// The server process: wires settings, memory, listening sockets, worker threads and background work, and
// takes them down again. The only place that knows all of them.
// Long because a start and its undoing are read together.
import { setFlagsFromString } from 'node:v8'
import type { Worker } from 'node:worker_threads'
import { Cache } from '../cache/cache.ts'
import { allocateCacheMemory, type CacheMemory, type CacheOptions } from '../cache/cache-memory.ts'
import type { ClockReading } from '../cache/clock.ts'
import { CLOSED_BY_ERROR } from '../cache/event-log.ts'
import { AcceptGate } from '../transport/accept-gate.ts'
import { type CertificateMaterial, Certificates } from '../transport/certificates.ts'
import { ConnectionCounts, DRAINING, RUNNING, STOPPING } from '../transport/connection-counts.ts'
import { ConnectionEvents } from '../transport/connection-events.ts'
import { ConnectionTable, LISTENING } from '../transport/connection-table.ts'
import type { DatagramSocket } from '../transport/entrance.ts'
import {
  type Listener,
  type ListenOptions,
  openListeners,
  removeStaleSocket,
} from '../transport/listeners.ts'
import { peerAddress } from '../transport/peer-address.ts'
import { RemoteWatcher, remoteWatcherOf } from '../transport/remote-watcher.ts'
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  loadedAddOn,
  SHUT_RDWR,
  type SystemCalls,
} from '../transport/system-calls.ts'
import type { WatcherSocket } from '../transport/watcher.ts'
import { WatcherDescriptor } from '../transport/watcher-descriptor.ts'
import { Watchers } from '../transport/watchers.ts'
import { reservedItemBytes } from './address-space.ts'
import type { AdminService } from './admin-service.ts'
import type { AdministeredServer } from './administered-node.ts'
import { Background } from './background.ts'
import { cacheOptions } from './cache-options.ts'
import { refreshCertificates } from './certificate-refresh.ts'
import { type EventLine, EventLines, loggedStreams } from './event-lines.ts'
import { discardExecutablePages } from './executable-pages.ts'
import type { Log } from './log.ts'
import type { MemoryFile } from './memory-file.ts'
import { tooLittleMemory } from './memory-limit.ts'
import { asUser, dropPrivileges } from './privileges.ts'
import { removeProcessFiles, writeProcessFiles } from './process-files.ts'
import { allowCoreDumps, allowDescriptors, lockMemory } from './process-limits.ts'
import { onRamDisk } from './ram-disk.ts'
import { secretFileWarning } from './secret-files.ts'
import { logLevelOf, type Settings, threadsPerUdpSocket } from './settings.ts'
import { StartError } from './start-error.ts'
import { ThreadFailure } from './thread-failure.ts'
import {
  chooseDirectTransport,
  chooseSystemCalls,
  type DirectTransport,
} from './transport-choice.ts'
import { Users } from './users.ts'
import type { ToMain, ToWorker, WorkerTransport } from './worker-messages.ts'
import {
  directThreadCounts,
  giveWork,
  hasEnded,
  launchThreads,
  threadsExpected,
  threadsFor,
  type WorkerThreads,
} from './worker-threads.ts'

export interface Server {
  /** Where it listens, in words. */
  readonly addresses: readonly string[]
  /** Where its admin port is, in words. */
  readonly adminAddress: string | undefined
  /** What those need who look after it. */
  readonly administered: AdministeredServer
  /** Reads again what may have changed on disk (SIGHUP): the files of `-Y` and `--admin-token-file`, certificates. */
  reload(): void
  /** Stops serving, at once or when clients have taken the answers they asked for. */
  stop(graceful: boolean): void
  /** Stops after a failure: what the cache holds may be wrong, and the next process must not have it. */
  abandon(): void
  /** Resolves when every thread has ended; rejects if one failed. */
  readonly closed: Promise<void>
}

/** Descriptors beyond those of the connections: files, epoll sets, what the runtime opens. */
const OTHER_DESCRIPTORS = 4096
/** How often a server without free descriptors tries again to accept, if no connection closes. */
const ACCEPT_RETRY_MS = 1_000
/** When the first requests were answered, which need many of the pages that the start needed. */
const START_SETTLED_MS = 1_000

/** Starts serving; resolves when every thread does. `launched` are threads that were started for it already. */
export async function startServer(
  settings: Settings,
  log: Log,
  launched: WorkerThreads = launchThreads(settings, threadsExpected(settings)),
): Promise<Server> {
  try {
    return await startOn(launched, settings, log)
  } catch (error) {
    for (const worker of launched.workers) void worker.terminate()
    throw error
  }
}

async function startOn(launched: WorkerThreads, settings: Settings, log: Log): Promise<Server> {
  const calls = chooseSystemCalls(settings, log)
  const options = cacheOptions(settings)
  // Before a memory file takes all of its memory.
  const fileInMemory = settings.memoryFile !== undefined && onRamDisk(settings.memoryFile)
  const tooLittle = tooLittleMemory({ ...settings, fileInMemory }, process.constrainedMemory())
  if (tooLittle !== undefined) log.warn(tooLittle)
  // The file belongs to the user who will serve, and so must what is written beside it.
  const memoryFile = await asUser(settings.user, () =>
    openMemoryFileOf(settings, options, calls, log),
  )
  const memory = memoryFile?.memory ?? reserveMemory(options, settings.memoryLocked)
  // Made before any thread, so that the shared state has its first values.
  const cache = memoryFile?.cache ?? new Cache(memory, options)
  const earlier = (await readSnapshotOf(settings, cache, memoryFile, log)) ?? memoryFile?.earlier
  const counts = new ConnectionCounts(settings.maxConnections)
  const listen: ListenOptions = {
    tcpAddresses: settings.tcpAddresses,
    udpAddresses: settings.udpAddresses,
    unixSocketPath: settings.unixSocketPath,
    unixSocketMask: settings.unixSocketMask,
    backlog: settings.listenBacklog,
  }
  if (calls !== undefined) {
    if (settings.coreDumpsEnabled) allowCoreDumps(calls)
    allowDescriptors(calls, settings.maxConnections, OTHER_DESCRIPTORS)
    const warning = settings.memoryLocked ? lockMemory(calls, memory) : undefined
    if (warning !== undefined) log.warn(warning)
  }
  // Before root is given up, whose alone the key may be.
  const tls = await openTls(settings, cache, log)
  // A unix socket belongs to the user who serves on it; a low port can only be had before.
  if (settings.unixSocketPath !== undefined) dropPrivileges(settings.user)
  const listeners = calls === undefined ? [] : await openListeners(calls, listen)
  dropPrivileges(settings.user)
  await checkSnapshotPlace(settings)
  const direct =
    calls === undefined ? undefined : { calls, kind: chooseDirectTransport(settings, calls, log) }
  const table = new ConnectionTable(settings.maxConnections + OTHER_DESCRIPTORS)
  const transports = planThreads(settings, direct, listeners, table, listen)
  const { workers } = threadsFor(transports[0], settings, launched)
  // This thread hears of a thread's end by its event loop, and must not stand still for what that left locked.
  cache.lock.hasEnded = (threadId) =>
    !workers.some((worker) => worker.threadId === threadId && !hasEnded(worker))
  const gate = acceptGate(calls, counts, transports[0], settings)
  // Of watchers whose sockets other threads have, by slot.
  const remote = new Map<number, RemoteWatcher>()
  const watchers =
    calls === undefined
      ? undefined
      : watchersOf(cache, settings, log, (client) => {
          const far = remoteWatcherOf(client)
          if (far === undefined)
            return watcherDescriptor(cache, calls, client, { counts, table, gate })
          const watcher = remoteWatcherIn(workers[far.thread], far.slot)
          remote.set(far.slot, watcher)
          return watcher
        })
  const background = new Background(cache, watchers)
  logEvents(cache, log)
  const users =
    settings.authFile === undefined ? undefined : new Users(settings.authFile, cache, log)
  const { saslEnabled, saslPasswordFile } = settings
  if (saslEnabled && saslPasswordFile !== undefined) {
    const warning = secretFileWarning('the passwords of -S', saslPasswordFile)
    if (warning !== undefined) log.warn(warning)
  }
  const listening = listeners.map(({ address }) => address)
  // As early as clients can connect: who waits for the files may do so at once.
  if (calls !== undefined) writeProcessFiles(settings, listening, log)
  background.start(settings, earlier)
  // They were read before the clock had its time.
  if (tls !== undefined) tls.certificates.refreshedAt = cache.clock.now
  for (const { fd, kind } of listeners) {
    if (kind !== 'udp') table.open(fd, LISTENING, cache.clock.now)
  }

  const stop = (graceful: boolean): void => {
    counts.stopState = graceful ? DRAINING : STOPPING
    // From now on nobody can connect; closing has to wait for the threads that have the socket in hand.
    for (const { fd, kind } of listeners) if (kind !== 'udp') calls?.shutdown(fd, SHUT_RDWR)
    wake(calls, transports)
    for (const worker of workers) worker.postMessage({ kind: 'stop' } satisfies ToWorker)
  }
  const hear = (message: ToMain): void => {
    if (message.kind === 'shutdown') {
      log.info({ graceful: message.graceful }, 'shutdown requested by a client')
      stop(message.graceful)
    } else if (message.kind === 'accepted') {
      const { thread, fd, listener } = message
      workers[thread].postMessage({ kind: 'accepted', fd, listener } satisfies ToWorker)
    } else if (message.kind === 'took') {
      remote.get(message.slot)?.took(message.length)
    } else if (message.kind === 'left') {
      remote.get(message.slot)?.left()
    } else if (message.kind === 'wake') {
      background.wake()
    } else if (message.kind === 'verbosity') {
      log.level = logLevelOf(message.level)
      background.wake()
      if (transports[0].kind === 'node')
        workers[0].postMessage({ kind: 'logged' } satisfies ToWorker)
    } else if (message.kind === 'line') {
      writeLine(log, message.line)
    }
  }
  for (const worker of workers) worker.on('message', hear)
  let admin: AdminService | undefined
  transports.forEach((transport, thread) => {
    const credentials = users?.credentials.buffer
    const certificates = tls?.certificates.buffer
    const shared = { memory, counts: counts.buffer, credentials, certificates }
    const work = { thread, settings, transport, ...shared }
    giveWork(workers[thread], { kind: 'work', work })
  })
  // Out of descriptors, threads stop to accept until a connection closes; but others may free some too.
  const retry = setInterval(() => gate?.reopen(), ACCEPT_RETRY_MS).unref()
  const endings = workers.map((worker, thread) =>
    ended(worker, thread, () => counts.stopState !== RUNNING),
  )
  const closed = Promise.all(endings).then(async () => {
    clearInterval(retry)
    background.stop()
    admin?.close()
    // Before the port and the memory file are free for another server, which would look for it.
    await writeSnapshotOf(settings, cache, log)
    memoryFile?.stop(counts.stopState === DRAINING)
    for (const fd of descriptors(listeners, transports)) calls?.close(fd)
    if (settings.unixSocketPath !== undefined) removeStaleSocket(settings.unixSocketPath)
    removeProcessFiles(settings)
  })
  let abandoned = false
  const abandon = (): void => {
    if (abandoned) return
    abandoned = true
    memoryFile?.discard()
    stop(false)
  }
  // Whoever awaits `closed` hears of a failure; until then it must not count as unhandled.
  closed.catch(abandon)
  try {
    const ready = await Promise.race([Promise.all(workers.map(readyAddresses)), failureOf(endings)])
    const addresses = [...listening, ...ready.flat()]
    const transport = transports[0].kind
    const certificates = tls?.certificates.buffer
    // Those in clear text are asked how the server is, if there are any.
    const clear = listeners.filter((one) => one.clientCertificates === undefined)
    const administered = {
      ...{ settings, cache, counts, transport, certificates },
      addresses: clear.length > 0 ? clear.map(({ address }) => address) : addresses,
      tell: hear,
    }
    if (settings.adminAddress !== undefined) {
      const { openAdminService } = await import('./admin-service.ts')
      admin = await openAdminService(administered, log)
    }
    // V8 stops inlining into a function at 920 bytes of bytecode. The cache is written in small accessors on
    // items, and a set makes more of them than fit. Not earlier: with other flags than it was built with, Node
    // compiles its own modules anew in each thread, instead of taking what its executable has of them.
    setFlagsFromString('--max-inlined-bytecode-size-cumulative=4000')
    for (const worker of workers) worker.postMessage({ kind: 'serve' } satisfies ToWorker)
    admin?.serving()
    if (calls === undefined) writeProcessFiles(settings, addresses, log)
    else setTimeout(() => discardExecutablePages(calls), START_SETTLED_MS).unref()
    const reload = (): void => {
      users?.reload()
      tls?.reload()
      admin?.reload()
    }
    const adminAddress = admin?.address
    return { addresses, adminAddress, administered, stop, abandon, closed, reload }
  } catch (error) {
    stop(false)
    background.stop()
    throw error
  }
}

/** Memory with room for the limit to be raised, unless all of it is to be locked. */
function reserveMemory(options: CacheOptions, locked: boolean): CacheMemory {
  if (locked) return reserveLeastMemory(options)
  try {
    return allocateCacheMemory(options, reservedItemBytes(options.memoryLimitBytes))
  } catch {
    return reserveLeastMemory(options)
  }
}

function reserveLeastMemory(options: CacheOptions): CacheMemory {
  try {
    return allocateCacheMemory(options)
  } catch {
    const megabytes = options.memoryLimitBytes / 2 ** 20
    throw new StartError(
      `can't reserve the address space for -m ${megabytes}: give it less, or allow more (ulimit -v, vm.overcommit_memory)`,
    )
  }
}

async function openMemoryFileOf(
  settings: Settings,
  options: CacheOptions,
  calls: SystemCalls | undefined,
  log: Log,
): Promise<MemoryFile | undefined> {
  if (settings.memoryFile === undefined) return undefined
  if (calls === undefined) {
    throw new StartError(
      '-e needs direct system calls: Linux on x64 or arm64, and not --transport node',
    )
  }
  const { MemoryFileError, openMemoryFile } = await import('./memory-file.ts')
  try {
    return openMemoryFile(settings.memoryFile, options, calls, log)
  } catch (error) {
    throw error instanceof MemoryFileError ? new StartError(error.message) : error
  }
}

/** Reads `--snapshot` before anybody is served; the clock that goes since then, if there is one. */
async function readSnapshotOf(
  { snapshotFile }: Settings,
  cache: Cache,
  memoryFile: MemoryFile | undefined,
  log: Log,
): Promise<ClockReading | undefined> {
  if (snapshotFile === undefined) return undefined
  const { takeSnapshot } = await import('./snapshot.ts')
  const unixSeconds = Math.floor(Date.now() / 1000)
  if (memoryFile?.earlier === undefined) cache.clock.start(unixSeconds)
  else cache.clock.resume(unixSeconds, memoryFile.earlier)
  takeSnapshot(cache, snapshotFile, log)
  return cache.clock.read()
}

/** By the user who will write it. */
async function checkSnapshotPlace({ snapshotFile }: Settings): Promise<void> {
  if (snapshotFile === undefined) return
  const { checkPlaceForSnapshot } = await import('./snapshot.ts')
  checkPlaceForSnapshot(snapshotFile)
}

async function writeSnapshotOf(settings: Settings, cache: Cache, log: Log): Promise<void> {
  const { snapshotFile, snapshotSeconds } = settings
  if (snapshotFile === undefined) return
  const { leaveSnapshot } = await import('./snapshot.ts')
  leaveSnapshot(cache, snapshotFile, snapshotSeconds, log)
}

/** Where it is noted that a connection has gone. */
interface ConnectionBooks {
  readonly counts: ConnectionCounts
  readonly table: ConnectionTable
  readonly gate: AcceptGate | undefined
}

/** Told by this thread, whichever took the command. */
function watchersOf(
  cache: Cache,
  settings: Settings,
  log: Log,
  open: (client: number) => WatcherSocket,
): Watchers {
  const lines = new EventLines((line) => writeLine(log, line))
  return new Watchers(cache, settings.watcherLogBufferBytes, open, lines)
}

/** From now on threads publish what a log of its level says; later the command `verbosity` changes that. */
function logEvents({ lock, events }: Cache, { level }: Log): void {
  lock.acquire()
  events.slots.logged = loggedStreams(level)
  lock.release()
}

function writeLine(log: Log, { level, fields, message }: EventLine): void {
  log[level](fields, message)
}

/** A watcher whose socket is a descriptor, which its thread has let go of. */
function watcherDescriptor(
  cache: Cache,
  calls: SystemCalls,
  fd: number,
  { counts, table, gate }: ConnectionBooks,
): WatcherSocket {
  const connectionEvents = new ConnectionEvents(cache)
  const closing = (): void => {
    if (connectionEvents.watched) {
      const ending = { reason: CLOSED_BY_ERROR, trouble: undefined }
      connectionEvents.closed(fd, peerAddress(calls, fd), ending)
    }
    table.close(fd)
    counts.close()
  }
  const closed = (): void => gate?.reopen()
  return new WatcherDescriptor(calls, fd, { closing, closed })
}

/** A watcher over TLS, which its thread keeps. */
function remoteWatcherIn(worker: Worker, slot: number): RemoteWatcher {
  const post = (message: ToWorker): void => worker.postMessage(message)
  return new RemoteWatcher({
    tell: (lines) => post({ kind: 'tell', slot, lines }),
    dismiss: () => post({ kind: 'dismiss', slot }),
  })
}

/** Certificates, and how they are read again; undefined without TLS. */
async function openTls(
  { tls }: Settings,
  cache: Cache,
  log: Log,
): Promise<{ readonly certificates: Certificates; readonly reload: () => void } | undefined> {
  if (tls === undefined) return undefined
  const { CertificateError, certificateWarning, readCertificates } = await import(
    './certificate-files.ts'
  )
  const certificates = new Certificates()
  const read = (): CertificateMaterial => {
    const material = readCertificates(tls)
    const key = tls.keyPath ?? tls.chainPath ?? ''
    const warnings = [certificateWarning(material), secretFileWarning('the key of TLS', key)]
    for (const warning of warnings) if (warning !== undefined) log.warn(warning)
    return material
  }
  const refresh = (): string | undefined => refreshCertificates(certificates, cache, read)
  const failure = refresh()
  if (failure !== undefined) throw new CertificateError(failure)
  const reload = (): void => {
    const failure = refresh()
    if (failure === undefined) log.info('certificates read again')
    else log.error(`${failure}; the earlier certificates stay in use`)
  }
  return { certificates, reload }
}

function planThreads(
  settings: Settings,
  direct: { readonly calls: SystemCalls; readonly kind: DirectTransport } | undefined,
  listeners: readonly Listener[],
  table: ConnectionTable,
  listen: ListenOptions,
): readonly WorkerTransport[] {
  // Node's sockets can't be shared between threads.
  if (direct === undefined) return [{ kind: 'node', listen }]
  const { calls, kind } = direct
  const planned = directThreadCounts(settings)
  const threads = Array.from({ length: planned.direct })
  const epolls = threads.map(() => calls.epoll_create1(EPOLL_CLOEXEC))
  const wake = calls.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
  if (wake < 0 || epolls.some((fd) => fd < 0)) {
    throw new StartError(`can't create an epoll set: ${calls.describeError(calls.errno())}`)
  }
  const streams = listeners.filter(({ kind }) => kind !== 'udp')
  const datagramSockets = dealUdpSockets(settings, calls, listeners)
  const shared = {
    listeners: streams.map(({ fd }) => fd),
    epolls,
    addOn: loadedAddOn(),
    table: table.buffer,
  }
  const secure =
    planned.secure === 0
      ? undefined
      : {
          threads: planned.secure,
          listeners: streams.map(({ clientCertificates }) => clientCertificates !== undefined),
        }
  const bindings = streams.map(({ protocol }) => protocol)
  const serving: WorkerTransport[] = threads.map((_, thread) => ({
    ...shared,
    kind,
    bindings,
    datagramSockets: datagramSockets[thread],
    wake,
    secure,
  }))
  const secureListeners = streams.map(({ protocol, clientCertificates }) => ({
    protocol,
    clientCertificates,
  }))
  for (let i = 0; i < planned.secure; i++) {
    serving.push({ ...shared, kind: 'secure', secureListeners })
  }
  return serving
}

/** The UDP sockets of each thread: a descriptor for every thread that serves one, as in memcached. */
function dealUdpSockets(
  settings: Settings,
  calls: SystemCalls,
  listeners: readonly Listener[],
): readonly (readonly DatagramSocket[])[] {
  const dealt: DatagramSocket[][] = Array.from({ length: settings.threads }, () => [])
  let turn = 0
  for (const { kind, fd, port } of listeners) {
    if (kind !== 'udp') continue
    for (let i = 0; i < threadsPerUdpSocket(settings); i++) {
      const own = i === 0 ? fd : calls.dup(fd)
      if (own < 0) {
        throw new StartError(`can't share a UDP socket: ${calls.describeError(calls.errno())}`)
      }
      dealt[turn++ % dealt.length].push({ fd: own, port })
    }
  }
  return dealt
}

/** All that stands open for clients to come to. */
function descriptors(
  listeners: readonly Listener[],
  transports: readonly WorkerTransport[],
): ReadonlySet<number> {
  const fds = new Set(listeners.map(({ fd }) => fd))
  for (const transport of transports) {
    if (transport.kind === 'node' || transport.kind === 'secure') continue
    for (const { fd } of transport.datagramSockets) fds.add(fd)
  }
  return fds
}

/** The main thread's hand on who is accepted; undefined for the portable transport. */
function acceptGate(
  calls: SystemCalls | undefined,
  counts: ConnectionCounts,
  transport: WorkerTransport,
  settings: Settings,
): AcceptGate | undefined {
  if (calls === undefined || transport.kind === 'node') return undefined
  const { listeners, epolls } = transport
  return new AcceptGate(calls, counts, { listeners, epolls, backlog: settings.listenBacklog })
}

/** Makes every epoll loop look at the stop word; the descriptor stays readable, so none can miss it. */
function wake(calls: SystemCalls | undefined, transports: readonly WorkerTransport[]): void {
  const [transport] = transports
  if (calls === undefined || transport.kind === 'node' || transport.kind === 'secure') return
  const one = new BigUint64Array(new SharedArrayBuffer(8)).fill(1n)
  calls.write(transport.wake, calls.addressOf(new Uint8Array(one.buffer)), 8)
}

function readyAddresses(worker: Worker): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: ToMain) => {
      if (message.kind === 'ready') resolve(message.addresses)
      if (message.kind === 'failed') reject(new StartError(message.message))
    })
  })
}

/** Never resolves: who waits for what a thread says would wait forever for one that has ended. */
function failureOf(endings: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const ending of endings) ending.catch(reject)
  })
}

/** Rejects if it ended though nobody had asked it to, or failed. */
function ended(worker: Worker, thread: number, isAsked: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined
    worker.once('error', (error) => {
      failure = error
    })
    worker.once('exit', (exitCode) => {
      if (failure === undefined && exitCode === 0 && isAsked()) resolve()
      else reject(new ThreadFailure(thread, exitCode, failure))
    })
  })
}
