// The proxy as a whole: its listeners, clients, pools and routes, from one configuration to the next. The only place that
// wires them.
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { MemshardError } from '../errors.ts'
import type { AdminAddress } from './admin/admin-address.ts'
import type { AdminServer } from './admin/admin-server.ts'
import type { PoolConfiguration, ProxyConfiguration, RouteConfiguration } from './configuration.ts'
import { isSameAddress, type ListenAddress, Listener } from './listener.ts'
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
import type { Siblings } from './siblings.ts'
import { type ProxySnapshot, snapshotOf } from './snapshot.ts'
import { sumOf } from './snapshot-sum.ts'
import type { EntranceOwner } from './tls-entrance.ts'
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
  readonly #siblings: Siblings | undefined
  #configuration: ProxyConfiguration
  #upstreams: ReadonlyMap<string, NamedUpstream> = new Map()
  #listeners: readonly Listener[] = []
  #admin: AdminServer | undefined
  #isEnding = false
  readonly #sessions = new Set<Session>()
  /** Clients that shake hands. */
  #handshakes = 0
  /** Pools that no route leads to any more, and that have calls under way. */
  readonly #leaving = new Set<Promise<void>>()

  /** Resolves when it listens. @throws ArgumentError when the configuration makes no sense. */
  static async start(
    configuration: ProxyConfiguration,
    tell: Tell,
    siblings?: Siblings,
  ): Promise<MemcachedProxy> {
    const proxy = new MemcachedProxy(configuration, tell, siblings)
    await proxy.configure(configuration)
    return proxy
  }

  private constructor(
    configuration: ProxyConfiguration,
    tell: Tell,
    siblings: Siblings | undefined,
  ) {
    this.#configuration = configuration
    this.#tell = tell
    this.#siblings = siblings
    this.limits = {
      maxValueSize: configuration.maxValueSize,
      memory: new ValueMemory(configuration.valueMemory),
    }
  }

  get allowFlush(): boolean {
    return this.#configuration.flushAll
  }

  get loginRequired(): boolean {
    return this.#configuration.logins !== undefined
  }

  logIn(user: Buffer, password: Buffer): boolean {
    const { statistics } = this
    statistics.logins++
    // Whoever was asked for a login that is no longer wanted may come in with any.
    const isGood = this.#configuration.logins?.accepts(user, password) ?? true
    if (!isGood) statistics.failedLogins++
    return isGood
  }

  /** Where it listens. */
  get addresses(): readonly ListenAddress[] {
    return this.#listeners.map(({ actual }) => actual)
  }

  /** Where its admin port is, in words; undefined without one. */
  get adminAddress(): string | undefined {
    return this.#admin?.actual
  }

  /**
   * Makes this the configuration, for every request from now on. Pools and listeners that stay the same keep their
   * connections. When it rejects, nothing has changed.
   */
  async configure(configuration: ProxyConfiguration): Promise<void> {
    const opened: Listener[] = []
    const created: Upstream[] = []
    let admin: AdminServer | undefined
    try {
      const upstreams = this.#upstreamsFor(configuration.pools, created)
      const routes = configuration.routes.map((route) => ({
        prefix: Buffer.from(route.prefix).toString('latin1'),
        route: routeOf(route, (name) => upstreams.get(name)!.upstream),
      }))
      const table = new RoutingTable(routes)
      // Who comes before all listeners are open finds everything else in its place.
      if (this.#listeners.length === 0) {
        this.#replace(configuration, upstreams, table, [], undefined)
      }
      const listeners: Listener[] = []
      for (const address of configuration.listen) {
        const present = this.#listeners.find((one) => isSameAddress(one.address, address))
        if (present === undefined) {
          opened.push(await Listener.open(address, this.#entrance))
        }
        listeners.push(present ?? opened.at(-1)!)
      }
      admin = await this.#adminFor(configuration.admin)
      this.#replace(configuration, upstreams, table, listeners, admin)
    } catch (error) {
      for (const listener of opened) listener.close()
      await Promise.all(created.map((upstream) => upstream.close()))
      throw error
    }
  }

  report(what: string): string | Promise<string> {
    const siblings = this.#siblings
    if (what === 'reset') {
      this.statistics.reset()
      return siblings === undefined ? replies.RESET : siblings.reset().then(() => replies.RESET)
    }
    // What stands in the queue behind it need not wait for what can be told at once.
    if (siblings === undefined) return reportOf(what, this.ownSnapshot())
    return this.snapshot().then((proxy) => reportOf(what, proxy))
  }

  /** Of this process and its siblings. */
  async snapshot(): Promise<ProxySnapshot> {
    return sumOf([this.ownSnapshot(), ...((await this.#siblings?.snapshots()) ?? [])])
  }

  ownSnapshot(): ProxySnapshot {
    return snapshotOf({
      pid: this.#siblings?.pid ?? process.pid,
      statistics: this.statistics,
      upstreams: [...this.#upstreams.values()].map(({ upstream }) => upstream),
      routes: this.routes.all,
      maxConnections: this.#configuration.maxConnections,
      valueMemory: this.limits.memory,
    })
  }

  /** Resolves to why clients should not come now, in a few words; undefined: they may. */
  async unready(): Promise<string | undefined> {
    if (this.#isEnding) return 'stopping'
    if (this.#sessions.size >= this.#configuration.maxConnections) {
      return 'no room for further connections'
    }
    const reasons = await Promise.all(
      this.#routed().map(async (upstream) => {
        const reason = await upstream.reach()
        return reason === undefined ? [] : [`pool ${upstream.name}: ${reason}`]
      }),
    )
    return reasons.flat()[0]
  }

  async flushAll(delay: number | undefined): Promise<readonly string[]> {
    return (await Promise.all(this.#routed().map((upstream) => upstream.flush(delay)))).flat()
  }

  /** Takes no more clients, answers what was asked, and ends. */
  async close(): Promise<void> {
    this.#isEnding = true
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
    this.#admin?.close()
  }

  noticed(upstream: Upstream, event: string): void {
    this.#tell(`${upstream.name}: ${event}`)
  }

  /** The pools that some route leads to. */
  #routed(): readonly Upstream[] {
    return [...new Set(this.routes.all.flatMap(({ route }) => route.upstreams))]
  }

  /** The one that there is, if it is where it should be. */
  async #adminFor(address: AdminAddress | undefined): Promise<AdminServer | undefined> {
    if (address === undefined) return undefined
    if (isDeepStrictEqual(this.#admin?.address, address)) return this.#admin
    // Loaded for those who want it alone, and what it writes metrics with.
    const { AdminServer } = await import('./admin/admin-server.ts')
    return AdminServer.open(address, this)
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
    admin: AdminServer | undefined,
  ): void {
    if (this.#admin !== admin) this.#admin?.close()
    for (const listener of this.#listeners) {
      if (!listeners.includes(listener)) listener.close()
    }
    const kept = new Set([...upstreams.values()].map(({ upstream }) => upstream))
    for (const { upstream } of this.#upstreams.values()) {
      if (!kept.has(upstream)) this.#leave(upstream)
    }
    for (const [i, listener] of listeners.entries()) listener.tls = configuration.listen[i]!.tls
    for (const upstream of kept) upstream.durations.isOn = admin !== undefined
    this.limits.maxValueSize = configuration.maxValueSize
    this.limits.memory.limit = configuration.valueMemory
    this.#admin = admin
    this.#configuration = configuration
    this.#upstreams = upstreams
    this.#listeners = listeners
    this.routes = routes
  }

  #leave(upstream: Upstream): void {
    const gone = upstream.close().finally(() => this.#leaving.delete(gone))
    this.#leaving.add(gone)
  }

  /** What listeners are told to do with who comes. */
  readonly #entrance: EntranceOwner = {
    accepted: (socket) => this.#accept(socket),
    beginsHandshake: () => {
      const { maxConnections } = this.#configuration
      if (this.#isEnding || this.#sessions.size + this.#handshakes >= maxConnections) {
        this.statistics.rejectedConnections++
        return false
      }
      this.#handshakes++
      return true
    },
    endedHandshake: (succeeded) => {
      this.#handshakes--
      if (!succeeded) this.statistics.failedHandshakes++
    },
  }

  #accept(socket: Socket): void {
    const { statistics } = this
    if (this.#isEnding || this.#sessions.size >= this.#configuration.maxConnections) {
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
