// Nodes from DNS: the addresses of a name, or the services (SRV) of one, as of a headless service of
// Kubernetes. Knows records; that a failing node is a reason to ask again is the follower's to know.
import { lookup, Resolver } from 'node:dns/promises'
import { milliseconds } from '../arguments.ts'
import { DiscoveryError } from '../errors.ts'
import type { NodeOptions } from '../node/address.ts'
import { DEFAULT_PORT, hostAndUnusualPort } from '../ring/naming.ts'
import type { Discovery, DiscoveryContext } from './discovery.ts'

export interface DnsOptions {
  /** Milliseconds between questions. A failing node makes it ask at once. Default 30,000. */
  readonly interval?: number
  /** Name servers to ask (`10.0.0.10`, `10.0.0.10:53`), instead of those of the system. */
  readonly servers?: readonly string[]
  /** Milliseconds until a name server is asked again; a question fails after three. Default 1,000. */
  readonly timeout?: number
  /** Only IPv4, or only IPv6. Default: IPv4 if there is any. */
  readonly family?: 4 | 6
}

export interface DnsDiscoveryOptions extends DnsOptions {
  /** The port of all nodes. Default 11211. */
  readonly port?: number
}

export interface SrvDiscoveryOptions extends DnsOptions {
  /** Connect to the names that the records have, which TLS needs, not to their addresses. Default false. */
  readonly connectByName?: boolean
}

const TRIES = 3

/**
 * A node for each address of a name. On the ring a node is its address, so one whose address changes is
 * another node: where nodes have names of their own, `srvDiscovery` keeps their keys with them.
 */
export function dnsDiscovery(hostname: string, options: DnsDiscoveryOptions = {}): Discovery {
  const { port = DEFAULT_PORT } = options
  return repeatedly(hostname, options, async (resolver) => {
    const addresses =
      options.servers === undefined
        ? await lookUp(hostname, options.family)
        : await resolve(resolver, hostname, options.family)
    return addresses.map((host) => ({ host, port }))
  })
}

/**
 * A node for each service of a name, such as `_memcache._tcp.memcached.default.svc.cluster.local`: write it in
 * full. On the ring a node is the name in its record (`memcached-0.memcached...`), with its port unless that is
 * 11211, so that its keys stay its own when its address changes. Of several priorities only the first is
 * used; weights are not, because Kubernetes changes them with the number of nodes.
 */
export function srvDiscovery(name: string, options: SrvDiscoveryOptions = {}): Discovery {
  const lastAddress = new Map<string, string>()
  return repeatedly(name, options, async (resolver) => {
    const records = await resolver.resolveSrv(name)
    const first = Math.min(...records.map((record) => record.priority))
    return Promise.all(
      records
        .filter((record) => record.priority === first)
        .map(async ({ name: target, port }): Promise<NodeOptions> => {
          const host = target.replace(/\.$/, '').toLowerCase()
          if (options.connectByName === true) return { host, port }
          const addresses = await resolve(resolver, host, options.family).catch(() => [])
          // A node that has no address for the moment is still a node.
          const address = addresses[0] ?? lastAddress.get(host) ?? host
          lastAddress.set(host, address)
          return { name: hostAndUnusualPort(host, port, ''), host: address, port }
        }),
    )
  })
}

function repeatedly(
  name: string,
  options: DnsOptions,
  ask: (resolver: Resolver) => Promise<NodeOptions[]>,
): Discovery {
  const interval = milliseconds('interval', options.interval ?? 30_000)
  const timeout = milliseconds('timeout', options.timeout ?? 1_000)
  return {
    async *watch({ signal, pause }: DiscoveryContext) {
      const resolver = new Resolver({ timeout, tries: TRIES })
      if (options.servers !== undefined) resolver.setServers(options.servers)
      const cancel = (): void => resolver.cancel()
      signal.addEventListener('abort', cancel)
      try {
        for (;;) {
          const nodes = await ask(resolver)
          // Name servers change the order with every answer, to spread those who take the first.
          yield nodes.sort((one, other) => (placeOf(one) < placeOf(other) ? -1 : 1))
          await pause(interval)
        }
      } catch (cause) {
        throw new DiscoveryError(`DNS has no nodes for ${name}: ${(cause as Error).message}`, {
          cause,
        })
      } finally {
        signal.removeEventListener('abort', cancel)
      }
    },
  }
}

function placeOf({ name, host, port }: NodeOptions): string {
  return `${name ?? host} ${port}`
}

/** As the system resolves names: with its hosts file and its search domains. */
async function lookUp(hostname: string, family: 4 | 6 | undefined): Promise<string[]> {
  const found = await lookup(hostname, { all: true, family: family ?? 0 })
  const wanted = family ?? (found.some((address) => address.family === 4) ? 4 : 6)
  return found.filter((entry) => entry.family === wanted).map((entry) => entry.address)
}

async function resolve(
  resolver: Resolver,
  hostname: string,
  family: 4 | 6 | undefined,
): Promise<string[]> {
  if (family === 6) return resolver.resolve6(hostname)
  try {
    return await resolver.resolve4(hostname)
  } catch (error) {
    // That there is none is an answer; that nobody answers is not.
    const hasNone = (error as NodeJS.ErrnoException).code === 'ENODATA'
    if (family === 4 || !hasNone) throw error
    return resolver.resolve6(hostname)
  }
}
