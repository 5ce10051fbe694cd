// The proxy as a whole: its listeners, clients, pools and routes, from one configuration to the next. The only place that
// wires them.
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { MemshardError } from '../errors.ts'
import type { PoolConfiguration, ProxyConfiguration, RouteConfiguration } from './configuration.ts'
import { type ListenAddress, Listener } from './listener.ts'
import type { ProxyContext } from './proxy-context.ts'
import { ProxyStatistics } from './proxy-statistics.ts'
import { ReplicatedRoute } from './replication.ts'
import * as replies from './replies.ts'
import { reportOf } from './report.ts'
import type { RequestLimits } from './request-parser.ts'
import { Round } from './round.ts'
import { DirectRoute, type Route } from './route.ts'
import { RoutingTable } from './routing-table.ts'
import { Session } from './session.ts'
import { ShadowedRoute } from './shadow.ts'
import { Upstream } from './upstream.ts'
import { ValueMemory } from './value-memory.ts'

/** A line for whoever looks after the proxy. */
export type Tell = (line: string) => void

interface NamedUpstream {
  readonly source: unknown
  readonly upstream: Upstream
}

export class MemcachedProxy implements ProxyContext {
  readonly round = new Round()
  readonly statistics = new ProxyStatistics()
  readonly limits: { -readonly [K in keyof RequestLimits]: RequestLimits[K] }
  routes = new RoutingTable([])
  readonly #tell: Tell
  #configuration: ProxyConfiguration
  #upstreams: ReadonlyMap<string, NamedUpstream> = new Map()
  #listeners: readonly Listener[] = []
  readonly #sessions = new Set<Session>()
  /** Pools that no route leads to any more, and that have calls under way. */
  readonly #leaving = new Set<Promise<void>>()

  /** Resolves when it listens. @throws ArgumentError when the configuration makes no sense. */
  static async start(configuration: ProxyConfiguration, tell: Tell): Promise<MemcachedProxy> {
    const proxy = new MemcachedProxy(configuration, tell)
    await proxy.configure(configuration)
    return proxy
  }

  private constructor(configuration: ProxyConfiguration, tell: Tell) {
    this.#configuration = configuration
    this.#tell = tell
    this.limits = {
      maxValueSize: configuration.maxValueSize,
      memory: new ValueMemory(configuration.valueMemory),
    }
  }

  get allowFlush(): boolean {
    return this.#configuration.flushAll
  }

  /** Where it listens. */
  get addresses(): readonly ListenAddress[] {
    return this.#listeners.map(({ actual }) => actual)
  }

  /**
   * Makes this the configuration, for every request from now on. Pools and listeners that stay the same keep their
   * connections. When it rejects, nothing has changed.
   */
  async configure(configuration: ProxyConfiguration): Promise<void> {
    const opened: Listener[] = []
    const created: Upstream[] = []
    try {
      const upstreams = this.#upstreamsFor(configuration.pools, created)
      const routes = configuration.routes.map((route) => ({
        prefix: Buffer.from(route.prefix).toString('latin1'),
        route: routeOf(route, (name) => upstreams.get(name)!.upstream),
      }))
      const listeners: Listener[] = []
      for (const address of configuration.listen) {
        const present = this.#listeners.find((one) => isDeepStrictEqual(one.address, address))
        if (present === undefined) {
          opened.push(await Listener.open(address, (socket) => this.#accept(socket)))
        }
        listeners.push(present ?? opened.at(-1)!)
      }
      this.#replace(configuration, upstreams, new RoutingTable(routes), listeners)
    } catch (error) {
      for (const listener of opened) listener.close()
      await Promise.all(created.map((upstream) => upstream.close()))
      throw error
    }
  }

  report(what: string): string {
    return reportOf(what, {
      statistics: this.statistics,
      upstreams: [...this.#upstreams.values()].map(({ upstream }) => upstream),
      maxConnections: this.#configuration.maxConnections,
      valueMemory: this.limits.memory.used,
      further: new Map(
        this.routes.all.flatMap(({ prefix, route }) => {
          if (!(route instanceof ShadowedRoute)) return []
          const name = `shadow:${prefix || 'default'}`
          return [
            [`${name}:copied`, route.copied],
            [`${name}:skipped`, route.skipped],
          ] as const
        }),
      ),
    })
  }

  async flushAll(delay: number | undefined): Promise<readonly string[]> {
    const upstreams = new Set(this.routes.all.flatMap(({ route }) => route.upstreams))
    return (await Promise.all([...upstreams].map((upstream) => upstream.flush(delay)))).flat()
  }

  /** Takes no more clients, answers what was asked, and ends. */
  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close()
    for (const session of this.#sessions) session.end()
    const { drainTimeout } = this.#configuration
    const timer = setTimeout(() => {
      for (const session of this.#sessions) session.destroy()
    }, drainTimeout)
    await this.#deserted()
    clearTimeout(timer)
    const upstreams = [...this.#upstreams.values()].map(({ upstream }) => upstream.close())
    await Promise.all([...upstreams, ...this.#leaving])
  }

  noticed(upstream: Upstream, event: string): void {
    this.#tell(`${upstream.name}: ${event}`)
  }

  #upstreamsFor(
    pools: ReadonlyMap<string, PoolConfiguration>,
    created: Upstream[],
  ): Map<string, NamedUpstream> {
    const upstreams = new Map<string, NamedUpstream>()
    for (const [name, { source, options }] of pools) {
      const present = this.#upstreams.get(name)
      if (present !== undefined && isDeepStrictEqual(present.source, source)) {
        upstreams.set(name, present)
        continue
      }
      const upstream = inPool(name, () => new Upstream(name, options, this))
      created.push(upstream)
      upstreams.set(name, { source, upstream })
    }
    return upstreams
  }

  #replace(
    configuration: ProxyConfiguration,
    upstreams: ReadonlyMap<string, NamedUpstream>,
    routes: RoutingTable,
    listeners: readonly Listener[],
  ): void {
    for (const listener of this.#listeners) {
      if (!listeners.includes(listener)) listener.close()
    }
    const kept = new Set([...upstreams.values()].map(({ upstream }) => upstream))
    for (const { upstream } of this.#upstreams.values()) {
      if (!kept.has(upstream)) this.#leave(upstream)
    }
    this.limits.maxValueSize = configuration.maxValueSize
    this.#configuration = configuration
    this.#upstreams = upstreams
    this.#listeners = listeners
    this.routes = routes
  }

  #leave(upstream: Upstream): void {
    const gone = upstream.close().finally(() => this.#leaving.delete(gone))
    this.#leaving.add(gone)
  }

  #accept(socket: Socket): void {
    const { statistics } = this
    if (this.#sessions.size >= this.#configuration.maxConnections) {
      statistics.rejectedConnections++
      socket.on('error', () => {})
      socket.end(replies.TOO_MANY_CONNECTIONS, () => socket.destroy())
      return
    }
    statistics.connections++
    statistics.totalConnections++
    const session = new Session(socket, this, (ended) => {
      statistics.connections--
      this.#sessions.delete(ended)
      if (this.#sessions.size === 0) this.#onDeserted?.()
    })
    this.#sessions.add(session)
  }

  #onDeserted: (() => void) | undefined

  async #deserted(): Promise<void> {
    if (this.#sessions.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onDeserted = resolve
    })
  }
}

function routeOf({ pools, shadow }: RouteConfiguration, find: (pool: string) => Upstream): Route {
  const upstreams = pools.map(find)
  const route =
    upstreams.length === 1 ? new DirectRoute(upstreams[0]!) : new ReplicatedRoute(upstreams)
  if (shadow === undefined || shadow.share === 0) return route
  return new ShadowedRoute(route, find(shadow.pool), shadow.share)
}

/** What is wrong is wrong with this pool. */
function inPool<T>(name: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof MemshardError) error.message = `pool ${name}: ${error.message}`
    throw error
  }
}
