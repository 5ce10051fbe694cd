// The proxy's file: YAML in, a configuration out, or a message with the line and what is wrong there. Knows the entries
// and their types; what an option of the client may be, the client says.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { nodeFromJson } from '../discovery/node-list.ts'
import { ArgumentError } from '../errors.ts'
import { type NodeSpec, parseNode } from '../node/address.ts'
import { type ClientOptions, poolOptions } from '../options.ts'
import { placementOf } from '../ring/placement.ts'
import { parseAdminAddress } from './admin/admin-address.ts'
import {
  checkedWorkers,
  DEFAULTS,
  type PoolConfiguration,
  type ProxyConfiguration,
  type RouteConfiguration,
  type ShadowConfiguration,
} from './configuration.ts'
import { listenFrom, loginsFrom } from './listen-section.ts'
import { nodesFrom } from './node-source.ts'
import { parseYaml, type YamlEntry, type YamlSection } from './yaml-section.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type PoolOptions = Partial<Writable<ClientOptions<unknown>>>

/** @throws ArgumentError when it can't be read, or makes no sense. */
export function readConfiguration(path: string): ProxyConfiguration {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ArgumentError(`the configuration can't be read: ${(cause as Error).message}`)
  }
  return parseConfiguration(path, text)
}

/** `file` is what messages call it; other files are named relative to it. @throws ArgumentError */
export function parseConfiguration(file: string, text: string): ProxyConfiguration {
  const top = parseYaml(file, text)
  const listen = top
    .need('listen', 'say where clients come, as 127.0.0.1:11311')
    .oneOrMore()
    .map((entry) => listenFrom(entry, dirname(file)))
  const users = top.get('users')
  const admin = top.get('admin')
  const workers = top.get('workers')
  const pools = new Map<string, PoolConfiguration>()
  for (const [name, entry] of top.need('pools', 'name at least one, with its nodes').map().all()) {
    pools.set(name, poolFrom(entry, dirname(file)))
  }
  const configuration: ProxyConfiguration = {
    listen,
    logins: users && loginsFrom(users, dirname(file)),
    admin: admin?.checked(() => parseAdminAddress(admin.text())),
    workers: workers?.checked(() => checkedWorkers(workers.count())) ?? DEFAULTS.workers,
    pools,
    routes: routesFrom(top, pools),
    maxConnections: top.get('maxConnections')?.count() ?? DEFAULTS.maxConnections,
    maxValueSize: top.get('maxValueSize')?.size() ?? DEFAULTS.maxValueSize,
    valueMemory: top.get('valueMemory')?.size() ?? DEFAULTS.valueMemory,
    flushAll: top.get('flushAll')?.flag() ?? DEFAULTS.flushAll,
    drainTimeout: top.get('drainTimeout')?.count() ?? DEFAULTS.drainTimeout,
  }
  top.end()
  return configuration
}

function routesFrom(
  top: YamlSection,
  pools: ReadonlyMap<string, PoolConfiguration>,
): RouteConfiguration[] {
  const entry = top.get('routes')
  if (entry === undefined) {
    const [only, ...others] = pools.keys()
    if (only === undefined || others.length > 0) {
      top.need('routes', 'with several pools, say which keys belong to which')
    }
    return [{ prefix: '', pools: [only!], shadow: undefined }]
  }
  const routes = entry.list().map((item) => routeFrom(item, pools))
  const prefixes = new Set<string>()
  routes.forEach(({ prefix }, i) => {
    if (prefixes.has(prefix)) {
      const what = prefix === '' ? 'a default' : `the prefix ${JSON.stringify(prefix)}`
      throw entry.list()[i]!.wrong(`is the second route for ${what}`)
    }
    prefixes.add(prefix)
  })
  if (routes.length === 0) throw entry.wrong('is empty: give at least one route')
  return routes
}

function routeFrom(
  entry: YamlEntry,
  pools: ReadonlyMap<string, PoolConfiguration>,
): RouteConfiguration {
  const section = entry.map()
  const poolNamed = (name: YamlEntry): string => {
    if (pools.has(name.text())) return name.text()
    throw name.wrong(`names no pool: there are ${[...pools.keys()].join(', ')}`)
  }
  const several = section.get('pools')
  const one = section.get('pool')
  if ((one === undefined) === (several === undefined)) {
    throw entry.wrong('needs either pool, or pools for those that each have everything')
  }
  const names = (one === undefined ? several!.list() : [one]).map(poolNamed)
  if (names.length === 0) throw entry.wrong('needs at least one pool')
  if (new Set(names).size < names.length) throw entry.wrong('names a pool twice')
  const prefix = section.get('prefix')
  const text = prefix?.text() ?? ''
  if (prefix !== undefined && !/^[^\s\p{Cc}]{1,250}$/u.test(text)) {
    throw prefix.wrong('must be what keys can begin with: no spaces, no control characters')
  }
  const shadow = section.get('shadow')
  const route = {
    prefix: text,
    pools: names,
    shadow: shadow && shadowFrom(shadow, names, poolNamed),
  }
  section.end()
  return route
}

function shadowFrom(
  entry: YamlEntry,
  pools: readonly string[],
  poolNamed: (name: YamlEntry) => string,
): ShadowConfiguration {
  const section = entry.map()
  const name = section.need('pool', 'say where the copies go')
  const pool = poolNamed(name)
  if (pools.includes(pool)) throw name.wrong('is a pool of the route itself')
  const share = section.get('share')?.share() ?? 1
  section.end()
  return { pool, share }
}

function poolFrom(entry: YamlEntry, directory: string): PoolConfiguration {
  const section = entry.map()
  const files: string[] = []
  const fileNamed = (name: YamlEntry): string => {
    try {
      const content = readFileSync(resolve(directory, name.text()), 'utf8')
      files.push(content)
      return content
    } catch (cause) {
      throw name.wrong(`can't be read: ${(cause as Error).message}`)
    }
  }
  const options: PoolOptions = {
    nodes: nodesOf(section.need('nodes', 'a list, or a discovery as file:/path')),
  }
  readPlacement(section, options)
  readTimes(section, options)
  readLimits(section, options)
  const tls = section.get('tls')
  if (tls !== undefined) options.tls = tls.isMap ? tlsFrom(tls.map(), fileNamed) : tls.flag()
  const auth = section.get('auth')
  if (auth !== undefined) options.auth = authFrom(auth.map(), fileNamed)
  const down = section.get('onNodeDown')
  if (down !== undefined) options.onNodeDown = onNodeDownFrom(down)
  section.end()
  const complete = options as ClientOptions<unknown>
  // What the client refuses is refused here, where the place is known.
  entry.checked(() => {
    const placement = placementOf(complete)
    poolOptions(complete, placement)
    if (!('watch' in complete.nodes)) {
      const nodes = complete.nodes.map((node) => parseNode(node, placement.naming))
      if (new Set(nodes.map(({ name }) => name)).size < nodes.length) {
        throw new ArgumentError('two nodes have the same name: the ring tells them apart by it')
      }
      placement.distribution(nodes)
    }
  })
  return { source: [entry.plain(), files], options: complete }
}

function nodesOf(entry: YamlEntry): ClientOptions<unknown>['nodes'] {
  if (entry.isMap) return discoveryOf(entry)
  if (!entry.isList) return entry.checked(() => nodesFrom(entry.text()))
  return entry.oneOrMore().map(nodeOf)
}

/** A discovery with what it wants to know besides its address. */
function discoveryOf(entry: YamlEntry): ClientOptions<unknown>['nodes'] {
  const section = entry.map()
  const from = section.need('from', 'a discovery, as dns:name:port').text()
  const interval = section.get('interval')?.count()
  const servers = section.get('servers')?.oneOrMore()
  const connectByName = section.get('connectByName')?.flag()
  section.end()
  return entry.checked(() =>
    nodesFrom(from, {
      ...(interval !== undefined && { interval }),
      ...(servers !== undefined && { servers: servers.map((server) => server.text()) }),
      ...(connectByName !== undefined && { connectByName }),
    }),
  )
}

function nodeOf(entry: YamlEntry): NodeSpec {
  return entry.checked(() => {
    const node = nodeFromJson(entry.plain())
    parseNode(node)
    return node
  })
}

function readPlacement(section: YamlSection, options: PoolOptions): void {
  const compat = section.get('compat')
  // What is in there is checked by whoever it is compatible with.
  if (compat !== undefined) options.compat = compat.plain() as NonNullable<PoolOptions['compat']>
  const distribution = section.get('distribution')
  if (distribution !== undefined) {
    options.distribution = distribution.text() as NonNullable<PoolOptions['distribution']>
  }
  const keyHash = section.get('keyHash')
  if (keyHash !== undefined) {
    options.keyHash = keyHash.text() as NonNullable<PoolOptions['keyHash']>
  }
  const hashTag = section.get('hashTag')
  if (hashTag !== undefined) options.hashTag = hashTag.text()
}

function readTimes(section: YamlSection, options: PoolOptions): void {
  const timeout = section.get('timeout')
  if (timeout !== undefined) options.timeout = timeout.count()
  const connectTimeout = section.get('connectTimeout')
  if (connectTimeout !== undefined) options.connectTimeout = connectTimeout.count()
  const failures = section.get('failures')
  if (failures !== undefined) options.failures = failures.count()
  const probe = section.get('probe')?.map()
  if (probe === undefined) return
  const min = probe.get('min')?.count()
  const max = probe.get('max')?.count()
  probe.end()
  options.probe = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) }
}

function readLimits(section: YamlSection, options: PoolOptions): void {
  const maxInflight = section.get('maxInflight')
  if (maxInflight !== undefined) options.maxInflight = maxInflight.count()
  const maxQueuedBytes = section.get('maxQueuedBytes')
  if (maxQueuedBytes !== undefined) options.maxQueuedBytes = maxQueuedBytes.size()
  const connections = section.get('connections')
  if (connections !== undefined) options.connections = connections.count()
}

function onNodeDownFrom(entry: YamlEntry): NonNullable<PoolOptions['onNodeDown']> {
  if (!entry.isMap) {
    const policy = entry.text()
    if (policy === 'miss' || policy === 'rehash' || policy === 'error') return policy
    throw entry.wrong('must be miss, rehash, error, or a map with the nodes of a gutter')
  }
  const section = entry.map()
  const gutter = section.need('gutter', 'name the nodes that stand in').oneOrMore().map(nodeOf)
  const ttl = section.get('ttl')?.count()
  section.end()
  return { gutter, ...(ttl !== undefined && { ttl }) }
}

function tlsFrom(
  section: YamlSection,
  fileNamed: (name: YamlEntry) => string,
): NonNullable<PoolOptions['tls']> {
  const tls: Record<string, unknown> = {}
  for (const name of ['ca', 'cert', 'key'] as const) {
    const file = section.get(name)
    if (file !== undefined) tls[name] = fileNamed(file)
  }
  const servername = section.get('servername')
  if (servername !== undefined) tls.servername = servername.text()
  const verify = section.get('verify')
  if (verify !== undefined) tls.rejectUnauthorized = verify.flag()
  section.end()
  return tls
}

function authFrom(
  section: YamlSection,
  fileNamed: (name: YamlEntry) => string,
): NonNullable<PoolOptions['auth']> {
  const username = section.need('username', 'as the authfile of the nodes has it').text()
  const file = section.get('passwordFile')
  const password = file === undefined ? section.get('password')?.text() : fileNamed(file).trim()
  section.end()
  if (password === undefined) section.need('password', 'or passwordFile, a file that has it')
  return { username, password: password! }
}
