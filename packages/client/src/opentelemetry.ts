// `@memshard/client/opentelemetry`: a client's commands as spans and metrics of OpenTelemetry, named by its semantic
// conventions for database clients. A listener on the command channel, and a reader of `client.metrics()`.
import { tracingChannel } from 'node:diagnostics_channel'
import {
  type Attributes,
  type BatchObservableResult,
  type Meter,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Client } from './client.ts'
import { MemshardError } from './errors.ts'
import { COMMAND_CHANNEL, type CommandMessage } from './tracing.ts'

export interface InstrumentOptions {
  /** Default: of the global provider. */
  readonly tracer?: Tracer
  /** Default: of the global provider. */
  readonly meter?: Meter
  /** Spans have the command with its key as `db.query.text`: keys may say who the users are. Default false. */
  readonly recordKeys?: boolean
}

/** Ends the instrumentation of a client. Also a disposable, for `using`. */
export interface Instrumentation extends Disposable {
  stop(): void
}

interface Running {
  readonly span: Span
  readonly startedAt: number
  readonly attributes: Attributes
}

const SCOPE = '@memshard/client'
/** The conventions' buckets, in seconds, and finer ones for what a cache needs less than a millisecond for. */
const DURATION_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10,
]

/**
 * Makes a client span of every call (one for a `getMulti`), whose parent is the active one, and records:
 * - `db.client.operation.duration` (histogram, seconds), `memshard.client.hits` and `.misses` (counters) per call;
 * - for each node `memshard.client.node.up` (1 or 0), `.inflight`, `.retries`, `.ejections`, `.connects` and `.io`.
 *
 * To be called once for a client, and not for a `namespace` of it: whose calls are then among the client's. Lasts until
 * `stop()`, best before `client.close()`.
 */
export function instrument<V>(client: Client<V>, options: InstrumentOptions = {}): Instrumentation {
  const tracer = options.tracer ?? trace.getTracer(SCOPE)
  const meter = options.meter ?? metrics.getMeter(SCOPE)
  const duration = meter.createHistogram('db.client.operation.duration', {
    description: 'Duration of database client operations.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BUCKETS },
  })
  const hits = meter.createCounter('memshard.client.hits', {
    description: 'Values that were found.',
    unit: '{value}',
  })
  const misses = meter.createCounter('memshard.client.misses', {
    description: 'Values that were not found.',
    unit: '{value}',
  })
  const running = new WeakMap<CommandMessage, Running>()

  const start = (message: CommandMessage): void => {
    if (message.client !== client) return
    const attributes = attributesOf(message)
    const span = tracer.startSpan(spanName(attributes), { kind: SpanKind.CLIENT, attributes })
    if (options.recordKeys && message.key !== '') {
      span.setAttribute('db.query.text', `${message.operation} ${message.key}`)
    }
    running.set(message, { span, startedAt: performance.now(), attributes })
  }

  const asyncEnd = (message: CommandMessage): void => {
    const command = running.get(message)
    if (command === undefined) return
    const { span, startedAt, attributes } = command
    const { error } = message
    if (error !== undefined) {
      attributes['error.type'] = errorType(error)
      span.setAttribute('error.type', errorType(error))
      span.recordException(error instanceof Error ? error : String(error))
      span.setStatus({ code: SpanStatusCode.ERROR, message: textOf(error) })
    }
    const found = message.hits
    const missing = message.misses
    if (found !== undefined && missing !== undefined) {
      span.setAttributes({ 'db.memcached.hit_count': found, 'db.memcached.miss_count': missing })
      hits.add(found, attributes)
      misses.add(missing, attributes)
    }
    span.end()
    duration.record((performance.now() - startedAt) / 1000, attributes)
  }

  const channel = tracingChannel<unknown, CommandMessage>(COMMAND_CHANNEL)
  const listener = { start, end: ignore, asyncStart: ignore, asyncEnd, error: ignore }
  channel.subscribe(listener)
  const stopObserving = observeNodes(client, meter)
  const stop = (): void => {
    channel.unsubscribe(listener)
    stopObserving()
  }
  return { stop, [Symbol.dispose]: stop }
}

/** The state and the counters of the nodes, read when the meter's reader asks. Returns what ends it. */
function observeNodes<V>(client: Client<V>, meter: Meter): () => void {
  const name = (what: string): string => `memshard.client.node.${what}`
  const up = meter.createObservableGauge(name('up'), {
    description: '1 for a node in use, 0 for an ejected one.',
  })
  const inflight = meter.createObservableGauge(name('inflight'), {
    description: 'Calls without an answer.',
    unit: '{call}',
  })
  const retries = meter.createObservableCounter(name('retries'), {
    description: 'Calls that were sent again because their connection ended.',
    unit: '{call}',
  })
  const ejections = meter.createObservableCounter(name('ejections'), {
    description: 'How often the node was ejected.',
  })
  const connects = meter.createObservableCounter(name('connects'), {
    description: 'Connections that were established.',
    unit: '{connection}',
  })
  const io = meter.createObservableCounter(name('io'), {
    description: 'Bytes of commands and answers.',
    unit: 'By',
  })
  const observe = (result: BatchObservableResult): void => {
    for (const node of client.metrics().values()) {
      const attributes = { 'db.system.name': 'memcached', ...addressOf(node) }
      result.observe(up, node.state === 'up' ? 1 : 0, attributes)
      result.observe(inflight, node.inflight, attributes)
      result.observe(retries, node.retries, attributes)
      result.observe(ejections, node.ejections, attributes)
      result.observe(connects, node.connects, attributes)
      result.observe(io, node.bytesSent, { ...attributes, 'network.io.direction': 'transmit' })
      result.observe(io, node.bytesReceived, { ...attributes, 'network.io.direction': 'receive' })
    }
  }
  const observed = [up, inflight, retries, ejections, connects, io]
  meter.addBatchObservableCallback(observe, observed)
  return () => meter.removeBatchObservableCallback(observe, observed)
}

function attributesOf({ operation, batchSize, node }: CommandMessage): Attributes {
  const isBatch = batchSize > 1
  return {
    'db.system.name': 'memcached',
    'db.operation.name': isBatch ? `BATCH ${operation}` : operation,
    ...(isBatch && { 'db.operation.batch.size': batchSize }),
    ...(node && addressOf(node)),
  }
}

function addressOf({ host, port, path }: { host: string; port: number; path: string }): Attributes {
  if (path !== '') return { 'server.address': path }
  return { 'server.address': host, 'server.port': port }
}

function spanName(attributes: Attributes): string {
  const {
    'db.operation.name': operation,
    'server.address': address,
    'server.port': port,
  } = attributes
  if (address === undefined) return String(operation)
  return port === undefined ? `${operation} ${address}` : `${operation} ${address}:${port}`
}

/** One of few, unlike a message. */
function errorType(error: unknown): string {
  if (error instanceof MemshardError) return error.code
  return error instanceof Error ? error.name : '_OTHER'
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function ignore(): void {}
