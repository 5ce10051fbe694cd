// A worker thread: puts a cache, an engine and a transport together over the shared memory, and serves.
// Entry point; knows what its Work says and nothing of the command line.
import { once } from 'node:events'
import { isMainThread, parentPort } from 'node:worker_threads'
import { Cache } from '../cache/cache.ts'
import { useNativeMemory } from '../cache/memory.ts'
import { Engine } from '../protocol/engine.ts'
import { AcceptGate } from '../transport/accept-gate.ts'
import { Acceptor, type AcceptorOptions } from '../transport/acceptor.ts'
import { Certificates } from '../transport/certificates.ts'
import { ConnectionCounts } from '../transport/connection-counts.ts'
import { ConnectionEvents } from '../transport/connection-events.ts'
import { ConnectionTable } from '../transport/connection-table.ts'
import type { DirectOptions } from '../transport/entrance.ts'
import { EpollTransport } from '../transport/epoll.ts'
import { EpollControl } from '../transport/epoll-control.ts'
import type { NodeTransport } from '../transport/node.ts'
import { remoteWatcher } from '../transport/remote-watcher.ts'
import type { SecureServers } from '../transport/secure-servers.ts'
import { loadSystemCalls } from '../transport/system-calls.ts'
import type { TransportContext } from '../transport/transport.ts'
import { UringTransport } from '../transport/uring.ts'
import { bufferLimit } from './buffer-limit.ts'
import { cacheOptions } from './cache-options.ts'
import { EventLines } from './event-lines.ts'
import { ServerHost } from './server-host.ts'
import type { ToMain, ToWorker, Work, WorkerTransport } from './worker-messages.ts'

if (isMainThread || parentPort === null)
  throw new Error('worker.js is run by the server, in a thread')
const port = parentPort
const tell = (message: ToMain): void => port.postMessage(message)

async function serve(work: Work): Promise<void> {
  const { settings, transport } = work
  const calls = transport.kind === 'node' ? undefined : loadSystemCalls(transport.addOn)
  if (calls !== undefined) useNativeMemory(calls)
  const cache = new Cache(work.memory, cacheOptions(settings))
  const counts = new ConnectionCounts(settings.maxConnections, work.counts)
  // Reads certificates again when a client asks for it.
  const reading = settings.tls === undefined ? undefined : await import('./certificate-files.ts')
  const hosted = { ...work, readCertificates: reading?.readCertificates }
  const host = new ServerHost(hosted, cache, counts, tell)
  const context: TransportContext = {
    engine: new Engine(cache, host),
    counts,
    connectionEvents: new ConnectionEvents(cache),
    clock: cache.clock,
    // memcached's timeout is for TCP alone.
    idleTimeoutSeconds: settings.unixSocketPath === undefined ? settings.idleTimeoutSeconds : 0,
    maxKeptBytes: bufferLimit(settings),
    thread: work.thread,
  }
  if (transport.kind !== 'node' && calls !== undefined) {
    const { listeners, epolls, table } = transport
    const accepting: AcceptorOptions = {
      calls,
      epolls,
      table: new ConnectionTable(table),
      gate: new AcceptGate(calls, counts, { listeners, epolls, backlog: settings.listenBacklog }),
      rejectOverLimit: settings.rejectConnectionsOverLimit,
      secure:
        transport.kind === 'secure' || transport.secure === undefined
          ? undefined
          : {
              ...transport.secure,
              handOver: (thread, fd, listener) => tell({ kind: 'accepted', thread, fd, listener }),
            },
    }
    if (transport.kind === 'secure') {
      await serveSecurely(accepting, transport, { context, cache, host, work })
      return
    }
    const options: DirectOptions = {
      ...transport,
      ...accepting,
      arena: cache.arena,
      handOver: (slot, fd) => {
        cache.events.slots.handOver(slot, fd)
        host.wakeBackground()
      },
    }
    const serving =
      transport.kind === 'uring'
        ? new UringTransport(context, options)
        : new EpollTransport(context, options)
    host.transport = serving
    const begin = once(port, 'message')
    tell({ kind: 'ready', addresses: [] })
    // Not while others still open and close files: then an earlier connection may get a higher descriptor.
    await begin
    serving.run()
  } else {
    // Loaded for it alone, with Node's sockets.
    const { NodeTransport } = await import('../transport/node.ts')
    const servers = await secureServersOf(work, cache, context)
    const log = new EventLines((line) => tell({ kind: 'line', line }))
    const node = new NodeTransport(context, cache, settings.watcherLogBufferBytes, servers, log)
    host.transport = node
    await serveNode(node, transport)
  }
}

async function serveNode(node: NodeTransport, transport: WorkerTransport): Promise<void> {
  if (transport.kind !== 'node') return
  port.on('message', ({ kind }: ToWorker) => {
    if (kind === 'logged') node.tellWatchers()
    if (kind !== 'stop') return
    void node.stop()
    port.close()
  })
  try {
    tell({ kind: 'ready', addresses: await node.listen(transport.listen) })
  } catch (error) {
    // An address before the one that failed may be listened on.
    await node.stop()
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
    port.close()
    return
  }
  await node.run()
}

interface Serving {
  readonly context: TransportContext
  readonly cache: Cache
  readonly host: ServerHost
  readonly work: Work
}

async function serveSecurely(
  accepting: AcceptorOptions,
  { secureListeners }: Extract<WorkerTransport, { kind: 'secure' }>,
  { context, cache, host, work }: Serving,
): Promise<void> {
  const servers = await secureServersOf(work, cache, context)
  if (servers === undefined) throw new Error('a thread for TLS was given no certificates')
  const { SecureTransport } = await import('../transport/secure.ts')
  const serving = new SecureTransport(context, cache, {
    calls: accepting.calls,
    table: accepting.table,
    acceptor: new Acceptor(context, accepting, new EpollControl(accepting.calls)),
    listeners: secureListeners,
    servers,
    watches: (slot) => {
      cache.events.slots.handOver(slot, remoteWatcher(work.thread, slot))
      host.wakeBackground()
    },
    took: (slot, length) => tell({ kind: 'took', slot, length }),
    left: (slot) => tell({ kind: 'left', slot }),
  })
  host.transport = serving
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'accepted') serving.take(message.fd, message.listener)
    else if (message.kind === 'tell') serving.tell(message.slot, message.lines)
    else if (message.kind === 'dismiss') serving.dismiss(message.slot)
    else if (message.kind === 'stop') {
      port.close()
      void serving.stop()
    }
  })
  tell({ kind: 'ready', addresses: [] })
  await serving.run()
}

/** Undefined without TLS. */
async function secureServersOf(
  { settings: { tls }, certificates }: Work,
  cache: Cache,
  context: TransportContext,
): Promise<SecureServers | undefined> {
  if (tls === undefined || certificates === undefined) return undefined
  const { SecureServers } = await import('../transport/secure-servers.ts')
  const shared = new Certificates(certificates)
  return new SecureServers({ ...tls, certificates: shared, lock: cache.lock }, context)
}

// It listens before this module has ended, and isn't awaited here, which a CommonJS module can't: a failure is the
// thread's all the same.
void serveFirst(once(port, 'message'))

async function serveFirst(message: Promise<readonly ToWorker[]>): Promise<void> {
  const [first] = await message
  if (first.kind === 'work') await serve(first.work)
}
