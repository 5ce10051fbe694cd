// `memshard proxy`: a memcached port with the sharding client behind it. Reads the file or the flags, starts the proxy, and
// turns signals into reloading and draining. Knows no request.
import cluster from 'node:cluster'
import { ArgumentError, MemshardError } from '../errors.ts'
import type { OnNodeDown } from '../options.ts'
import { parseAdminAddress } from '../proxy/admin/admin-address.ts'
import { checkedWorkers, DEFAULTS, type ProxyConfiguration } from '../proxy/configuration.ts'
import { readConfiguration } from '../proxy/configuration-file.ts'
import { exposedHosts } from '../proxy/exposure.ts'
import { parseListenAddress, textOfListenAddress } from '../proxy/listener.ts'
import { nodesFrom } from '../proxy/node-source.ts'
import { MemcachedProxy } from '../proxy/proxy.ts'
import { WorkerProcesses } from '../proxy/workers/worker-processes.ts'
import type { Compat } from '../ring/placement.ts'
import { DEFAULT_LISTEN } from './command-line.ts'
import { aborted, runProxyWorker } from './proxy-worker.ts'
import { EXIT_DONE, type Surroundings } from './surroundings.ts'

export interface ProxyFlags {
  readonly config?: string
  readonly listen: readonly string[]
  readonly workers?: number
  readonly admin?: string
  readonly compat?: string
  readonly hashTag?: string
  readonly onNodeDown?: string
  readonly quiet: boolean
}

/** `servers` and `timeout` when the user has given them. Resolves to the exit code when it has drained. */
export async function runProxy(
  flags: ProxyFlags,
  servers: string,
  timeout: number | undefined,
  { err, signal, onHangUp }: Surroundings,
): Promise<number> {
  const tell = (line: string): void => err(`memshard proxy: ${line}\n`)
  const { config } = flags
  const read = (): ProxyConfiguration =>
    config === undefined
      ? configurationFrom(flags, servers, timeout)
      : readConfiguration(onlyFile(flags, config))
  const tellMore = flags.quiet ? () => {} : tell
  if (cluster.isWorker) {
    onHangUp?.(() => {})
    return runProxyWorker(read, tellMore, signal)
  }
  const configuration = read()
  const proxy = await startProxy(configuration, tellMore)
  if (proxy.adminAddress !== undefined) tell(`metrics and health on http://${proxy.adminAddress}`)
  warnOfExposure(configuration, tell)
  for (const address of proxy.addresses) tell(`listens on ${textOfListenAddress(address)}`)
  const reload = (): void => {
    if (config === undefined) tell('there is no file to read again: the flags stay')
    else void reloadFrom(config, proxy, tell)
  }
  onHangUp?.(reload)
  await aborted(signal)
  tell('ends: answers what was asked')
  await proxy.close()
  return EXIT_DONE
}

type RunningProxy = MemcachedProxy | WorkerProcesses

async function startProxy(
  configuration: ProxyConfiguration,
  tell: (line: string) => void,
): Promise<RunningProxy> {
  try {
    if (configuration.workers > 1) return await WorkerProcesses.start(configuration, tell)
    return await MemcachedProxy.start(configuration, tell)
  } catch (error) {
    if (error instanceof MemshardError) throw error
    throw new ArgumentError(`the proxy can't listen: ${(error as Error).message}`)
  }
}

async function reloadFrom(
  file: string,
  proxy: RunningProxy,
  tell: (line: string) => void,
): Promise<void> {
  try {
    const before = proxy.adminAddress
    const configuration = readConfiguration(file)
    if (configuration.workers > 1 && proxy instanceof MemcachedProxy) {
      throw new ArgumentError(`${file}: one process becomes several by a restart alone`)
    }
    await proxy.configure(configuration)
    warnOfExposure(configuration, tell)
    const { adminAddress } = proxy
    if (adminAddress !== undefined && adminAddress !== before) {
      tell(`metrics and health on http://${adminAddress}`)
    }
    tell(`${file} is read again`)
  } catch (error) {
    tell(`${(error as Error).message}; everything stays as it was`)
  }
}

function configurationFrom(
  flags: ProxyFlags,
  servers: string,
  timeout: number | undefined,
): ProxyConfiguration {
  const listen = flags.listen.length === 0 ? [DEFAULT_LISTEN] : flags.listen
  const options = {
    nodes: nodesFrom(servers),
    ...(timeout !== undefined && { timeout }),
    ...(flags.compat !== undefined && { compat: flags.compat as Compat }),
    ...(flags.hashTag !== undefined && { hashTag: flags.hashTag }),
    ...(flags.onNodeDown !== undefined && { onNodeDown: flags.onNodeDown as OnNodeDown }),
  }
  return {
    ...DEFAULTS,
    listen: listen.map((address) => ({ ...parseListenAddress(address), tls: undefined })),
    workers: checkedWorkers(flags.workers ?? DEFAULTS.workers),
    admin: flags.admin === undefined ? undefined : parseAdminAddress(flags.admin),
    pools: new Map([['main', { source: servers, options }]]),
    routes: [{ prefix: '', pools: ['main'], shadow: undefined }],
  }
}

/** With a file, flags that say the same would contradict it. */
function onlyFile(flags: ProxyFlags, file: string): string {
  const { listen, workers, admin, compat, hashTag, onNodeDown } = flags
  const others = workers ?? admin ?? compat ?? hashTag ?? onNodeDown
  if (listen.length === 0 && others === undefined) return file
  throw new ArgumentError(`${file} says where to listen and how to place keys: leave the flags out`)
}

function warnOfExposure(configuration: ProxyConfiguration, tell: (line: string) => void): void {
  for (const host of exposedHosts(configuration)) {
    tell(`WARNING: ${host} may be reached from outside, and the proxy asks nobody for a login`)
  }
}
