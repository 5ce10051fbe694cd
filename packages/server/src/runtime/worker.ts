// A worker thread: puts a cache, an engine and a transport together over the shared memory, and serves.
// Entry point; knows what its Work says and nothing of the command line.
import { once } from 'node:events'
import { isMainThread, parentPort } from 'node:worker_threads'
import { Cache } from '../cache/cache.ts'
import { useNativeMemory } from '../cache/memory.ts'
import { Engine } from '../protocol/engine.ts'
import { AcceptGate } from '../transport/accept-gate.ts'
import { ConnectionCounts } from '../transport/connection-counts.ts'
import { ConnectionEvents } from '../transport/connection-events.ts'
import { ConnectionTable } from '../transport/connection-table.ts'
import type { DirectOptions } from '../transport/entrance.ts'
import { EpollTransport } from '../transport/epoll.ts'
import type { NodeTransport } from '../transport/node.ts'
import { loadSystemCalls } from '../transport/system-calls.ts'
import type { TransportContext } from '../transport/transport.ts'
import { UringTransport } from '../transport/uring.ts'
import { bufferLimit } from './buffer-limit.ts'
import { cacheOptions } from './cache-options.ts'
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
  const host = new ServerHost(work, cache, counts, tell)
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
    const options: DirectOptions = {
      ...transport,
      calls,
      arena: cache.arena,
      table: new ConnectionTable(table),
      gate: new AcceptGate(calls, counts, { listeners, epolls, backlog: settings.listenBacklog }),
      rejectOverLimit: settings.rejectConnectionsOverLimit,
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
    const node = new NodeTransport(context, cache, settings.watcherLogBufferBytes)
    host.transport = node
    await serveNode(node, transport)
  }
}

async function serveNode(node: NodeTransport, transport: WorkerTransport): Promise<void> {
  if (transport.kind !== 'node') return
  port.on('message', ({ kind }: ToWorker) => {
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

// It listens before this module has ended, and isn't awaited here, which a CommonJS module can't: a failure is the
// thread's all the same.
void serveFirst(once(port, 'message'))

async function serveFirst(message: Promise<readonly ToWorker[]>): Promise<void> {
  const [first] = await message
  if (first.kind === 'work') await serve(first.work)
}
