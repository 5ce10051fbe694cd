// What a client tells of its work: its counters, its events, the channel for Node's diagnostics, and OpenTelemetry,
// against a real node.
import { type ChannelListener, channel, tracingChannel } from 'node:diagnostics_channel'
import { Client, type CommandMessage, type NodeMetrics, TimeoutError } from '@memshard/client'
import { type InstrumentOptions, instrument } from '@memshard/client/opentelemetry'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { startPeer } from './scripted-peer.ts'

// A busy machine must not fail a test that is not about deadlines.
const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }

let node: RunningNode
let cache: Client

beforeAll(async () => {
  node = await startNode({ args: ['-m', '64'] })
})
beforeEach(async () => {
  cache = new Client({ nodes: [node.address], ...PATIENT })
  await cache.flush()
})
afterEach(() => cache?.close())
afterAll(async () => {
  await node?.stop('SIGKILL')
})

/** Of the only node. */
function metricsOf(client: Client): NodeMetrics {
  const [metrics] = client.metrics().values()
  return metrics!
}

describe('client.metrics()', () => {
  test('counts calls by operation, and each key of getMulti', async () => {
    await cache.set('a', 1)
    await cache.set('b', 2)
    await cache.getMulti(['a', 'b', 'c'])
    await cache.delete('a')
    const { name, state, inflight, operations } = metricsOf(cache)
    expect({ name, state, inflight }).toEqual({ name: node.address, state: 'up', inflight: 0 })
    expect(operations).toEqual({
      flush: { calls: 1, errors: 0 },
      set: { calls: 2, errors: 0 },
      get: { calls: 3, errors: 0 },
      delete: { calls: 1, errors: 0 },
    })
  })

  test('counts hits and misses of what retrieves values, fetch included', async () => {
    await cache.get('a')
    await cache.fetch('a', 60, async () => 'loaded')
    await cache.fetch('a', 60, async () => 'loaded')
    await cache.gets('a')
    await cache.getAndTouch('b', 10)
    await cache.touch('b', 10)
    await cache.add('a', 1)
    expect(metricsOf(cache)).toMatchObject({ hits: 2, misses: 3 })
  })

  test('counts the bytes of both directions', async () => {
    const before = metricsOf(cache)
    await cache.set('large', Buffer.alloc(100_000))
    await cache.get('large')
    const after = metricsOf(cache)
    const sent = 'ms large 100000 F'.length + 100_000
    expect(after.bytesSent - before.bytesSent).toBeGreaterThan(sent)
    expect(after.bytesSent - before.bytesSent).toBeLessThan(sent + 100)
    expect(after.bytesReceived - before.bytesReceived).toBeGreaterThan(100_000)
    expect(after.bytesReceived - before.bytesReceived).toBeLessThan(100_100)
  })

  test('counts errors by their codes, and aborted calls', async () => {
    await cache.set('text', 'not a number')
    await expect(cache.incr('text')).rejects.toThrow()
    const aborting = new AbortController()
    const aborted = cache.get('text', { signal: aborting.signal })
    aborting.abort()
    await expect(aborted).rejects.toThrow()
    const { errors, aborted: count, operations } = metricsOf(cache)
    expect(errors).toEqual({ ERR_MEMSHARD_SERVER: 1 })
    expect(count).toBe(1)
    expect(operations).toMatchObject({
      incr: { calls: 1, errors: 1 },
      get: { calls: 1, errors: 1 },
    })
  })

  test('counts deadlines', async () => {
    await using silent = await startPeer(() => {})
    await using client = new Client({ nodes: [silent.address], timeout: 20 })
    await expect(client.get('a')).rejects.toThrow(TimeoutError)
    expect(metricsOf(client).errors).toEqual({ ERR_MEMSHARD_TIMEOUT: 1 })
  })

  test('counts lost connections, retries and new connections', async () => {
    await using peer = await startPeer((socket, connection) => {
      if (connection === 1) socket.destroy()
      else socket.write('EN\r\n')
    })
    await using client = new Client({ nodes: [peer.address], ...PATIENT })
    expect(await client.get('a')).toBeUndefined()
    expect(metricsOf(client)).toMatchObject({
      connects: 2,
      disconnects: 1,
      retries: 1,
      misses: 1,
      operations: { get: { calls: 1, errors: 0 } },
    })
  })

  test('counts ejections, and calls that a down node was spared', async () => {
    await using mortal = await startNode({ args: ['-m', '64'] })
    await using client = new Client({
      nodes: [mortal.address],
      failures: 1,
      onNodeDown: 'miss',
      probe: { min: 10_000 },
      ...PATIENT,
    })
    await client.get('a')
    await mortal.stop('SIGKILL')
    // That its connection has ended is news for the first call, or before it.
    await expect
      .poll(async () => {
        await client.get('a')
        return metricsOf(client).skipped
      })
      .toBeGreaterThan(1)
    expect(metricsOf(client)).toMatchObject({
      state: 'ejected',
      connects: 1,
      ejections: 1,
      operations: { get: { calls: 1, errors: 0 } },
    })
  })

  test('tells latencies on request', async () => {
    expect(metricsOf(cache).latency).toBeUndefined()
    await using client = new Client({ nodes: [node.address], latencies: true, ...PATIENT })
    expect(metricsOf(client).latency).toBeUndefined()
    const begun = performance.now()
    await client.set('a', 1)
    await Promise.all(Array.from({ length: 99 }, () => client.get('a')))
    const elapsed = performance.now() - begun
    const { count, min, p50, p90, p99, p999, max, mean } = metricsOf(client).latency!
    expect(count).toBe(100)
    for (const latency of [min, mean, p50, p90, p99, p999]) {
      expect(latency).toBeGreaterThan(0)
      // A histogram keeps three digits.
      expect(latency).toBeLessThanOrEqual(max * 1.001)
    }
    expect([min, p50, p90, p99, p999]).toEqual([min, p50, p90, p99, p999].sort((a, b) => a - b))
    expect(max).toBeLessThanOrEqual(elapsed)
  })

  test('does not count late answers as latencies', async () => {
    await using peer = await startPeer((socket) => {
      setTimeout(() => socket.write('EN\r\n'), 60)
    })
    await using client = new Client({ nodes: [peer.address], timeout: 20, latencies: true })
    await expect(client.get('a')).rejects.toThrow(TimeoutError)
    expect(await client.get('b', { timeout: 10_000 })).toBeUndefined()
    expect(metricsOf(client)).toMatchObject({ misses: 1, latency: { count: 1 } })
  })
})

describe('the channels memshard:command', () => {
  const seen: [event: string, message: CommandMessage][] = []
  const note =
    (event: string): ChannelListener =>
    (message) =>
      seen.push([event, message as CommandMessage])
  const listeners = new Map(
    ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => [event, note(event)]),
  )

  beforeEach(() => {
    seen.length = 0
    for (const [event, listener] of listeners) {
      channel(`tracing:memshard:command:${event}`).subscribe(listener)
    }
  })
  afterEach(() => {
    for (const [event, listener] of listeners) {
      channel(`tracing:memshard:command:${event}`).unsubscribe(listener)
    }
  })

  test('tell of a call from its start to its result', async () => {
    const value = await cache.get('nothing')
    expect(value).toBeUndefined()
    expect(seen.map(([event]) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    const [, message] = seen[0]!
    expect(seen.every(([, other]) => other === message)).toBe(true)
    expect(message).toMatchObject({ client: cache, operation: 'get', key: 'nothing', batchSize: 0 })
    expect(message).toMatchObject({ node: { name: node.address }, hits: 0, misses: 1 })
  })

  test('tell of errors', async () => {
    const error = await cache.get('not a key').catch((error: unknown) => error)
    expect(seen.map(([event]) => event)).toEqual([
      'start',
      'end',
      'error',
      'asyncStart',
      'asyncEnd',
    ])
    expect(seen[0]![1]).toMatchObject({ error, hits: 0, misses: 0 })
  })

  test('tell of getMulti as one, and of the commands to all nodes', async () => {
    await cache.set('a', 1)
    await cache.getMulti(['a', 'b', 'c'])
    await cache.version()
    const ended = seen.filter(([event]) => event === 'asyncEnd').map(([, message]) => message)
    expect(ended).toMatchObject([
      { operation: 'set', hits: undefined, result: true },
      { operation: 'get', key: '', batchSize: 3, node: undefined, hits: 1, misses: 2 },
      { operation: 'version', batchSize: 1 },
    ])
  })

  test('name the client that a namespace was made of, and the key as it is sent', async () => {
    await cache.namespace('user:').set('1', 'Ada')
    expect(seen[0]![1]).toMatchObject({ client: cache, key: 'user:1' })
  })

  test('can be listened to as one tracing channel', async () => {
    const ignore = (): void => {}
    const operations: string[] = []
    const handlers = {
      start: ignore,
      end: ignore,
      asyncStart: ignore,
      error: ignore,
      asyncEnd: (message: object) => operations.push((message as CommandMessage).operation),
    }
    tracingChannel('memshard:command').subscribe(handlers)
    await cache.incr('a')
    tracingChannel('memshard:command').unsubscribe(handlers)
    await cache.decr('a')
    expect(operations).toEqual(['incr'])
  })
})

describe('OpenTelemetry', () => {
  const contexts = new AsyncLocalStorageContextManager()
  const spans = new InMemorySpanExporter()
  const tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 })
  const metering = new MeterProvider({ readers: [reader] })
  const providers: InstrumentOptions = {
    tracer: tracing.getTracer('test'),
    meter: metering.getMeter('test'),
  }

  beforeAll(() => {
    context.setGlobalContextManager(contexts.enable())
  })
  beforeEach(() => spans.reset())
  afterAll(async () => {
    context.disable()
    await metering.shutdown()
    await tracing.shutdown()
  })

  /** The values of one metric, by the attribute that tells them apart. */
  async function valuesOf(name: string, attribute: string): Promise<Record<string, unknown>> {
    exporter.reset()
    await reader.forceFlush()
    const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
    const metric = all
      .flatMap(({ metrics }) => metrics)
      .find(({ descriptor }) => descriptor.name === name)
    const points = metric?.dataPoints ?? []
    return Object.fromEntries(points.map((p) => [String(p.attributes[attribute]), p.value]))
  }

  test('has a client span for every call, under the active one', async () => {
    using _ = instrument(cache, providers)
    const request = tracing.getTracer('web').startSpan('GET /')
    await context.with(trace.setSpan(context.active(), request), async () => {
      await cache.set('a', 1)
      await cache.get('a')
    })
    const [set, get] = spans.getFinishedSpans()
    expect(set).toMatchObject({ name: `set ${node.address}`, kind: SpanKind.CLIENT })
    expect(get).toMatchObject({
      name: `get ${node.address}`,
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
      parentSpanContext: { spanId: request.spanContext().spanId },
    })
    expect(get!.attributes).toEqual({
      'db.system.name': 'memcached',
      'db.operation.name': 'get',
      'server.address': '127.0.0.1',
      'server.port': node.port,
      'db.memcached.hit_count': 1,
      'db.memcached.miss_count': 0,
    })
  })

  test('has one span for getMulti', async () => {
    using _ = instrument(cache, providers)
    await cache.set('a', 1)
    await cache.getMulti(['a', 'b'])
    const [, many] = spans.getFinishedSpans()
    expect(many).toMatchObject({ name: 'BATCH get' })
    expect(many!.attributes).toMatchObject({
      'db.operation.name': 'BATCH get',
      'db.operation.batch.size': 2,
      'db.memcached.hit_count': 1,
      'db.memcached.miss_count': 1,
    })
  })

  test('has errors on spans and durations, and keys on request only', async () => {
    await cache.set('text', 'abc')
    {
      using _ = instrument(cache, { ...providers, recordKeys: true })
      await expect(cache.incr('text')).rejects.toThrow()
    }
    const [span] = spans.getFinishedSpans()
    expect(span).toMatchObject({ status: { code: SpanStatusCode.ERROR } })
    expect(span!.attributes).toMatchObject({
      'error.type': 'ERR_MEMSHARD_SERVER',
      'db.query.text': 'incr text',
    })
    expect(span!.events).toMatchObject([{ name: 'exception' }])
    const durations = await valuesOf('db.client.operation.duration', 'error.type')
    expect(durations).toMatchObject({ ERR_MEMSHARD_SERVER: { count: 1 } })
  })

  test('has durations, hits, misses, and the state of the nodes', async () => {
    const running = instrument(cache, providers)
    await cache.get('nothing')
    await cache.set('found', 1)
    await cache.getAndTouch('found', 10)
    const durations = await valuesOf('db.client.operation.duration', 'db.operation.name')
    expect(durations).toMatchObject({ getAndTouch: { count: 1 } })
    expect(await valuesOf('memshard.client.hits', 'db.operation.name')).toMatchObject({
      getAndTouch: 1,
    })
    expect(await valuesOf('memshard.client.misses', 'db.operation.name')).toMatchObject({
      getAndTouch: 0,
    })
    const port = String(node.port)
    expect(await valuesOf('memshard.client.node.up', 'server.port')).toEqual({ [port]: 1 })
    expect(await valuesOf('memshard.client.node.connects', 'server.port')).toEqual({ [port]: 1 })
    expect(await valuesOf('memshard.client.node.io', 'network.io.direction')).toEqual({
      transmit: metricsOf(cache).bytesSent,
      receive: metricsOf(cache).bytesReceived,
    })
    running.stop()
  })

  test('leaves other clients alone, and this one when it has stopped', async () => {
    const running = instrument(cache, providers)
    await using other = new Client({ nodes: [node.address], ...PATIENT })
    await other.get('a')
    running.stop()
    await cache.get('a')
    expect(spans.getFinishedSpans()).toEqual([])
    expect(tracingChannel('memshard:command').hasSubscribers).toBe(false)
  })
})

describe('events', () => {
  test('tell of connections, ejections and returns', async () => {
    const told: string[] = []
    const port = await freePort()
    const nodes = [`127.0.0.1:${port}`]
    await using client = new Client({ nodes, failures: 1, probe: { min: 20, max: 50 }, ...PATIENT })
    client.on('connect', () => told.push('connect'))
    client.on('eject', ({ state }) => told.push(`eject ${state}`))
    client.on('return', ({ state }) => told.push(`return ${state}`))
    await expect(client.get('a')).rejects.toThrow()
    await using _ = await startNode({ port })
    await expect.poll(() => told).toEqual(['eject ejected', 'connect', 'return up'])
  })
})
