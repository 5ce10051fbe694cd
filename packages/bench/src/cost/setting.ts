// What all measurements of `memshard-bench cost` share: which servers, how long, and on which cores.
// Knows none of the measurements.
import { readdirSync, readlinkSync } from 'node:fs'
import { readStatistics } from '../load/statistics.ts'
import { type Placement, parseServerCommand, type ServerCommand, startServer } from '../servers.ts'

export interface CostSetting {
  /** The first is the one that the others are compared with. */
  readonly servers: readonly CostServer[]
  readonly placement: Placement | undefined
  readonly rounds: number
  readonly roundMs: number
  readonly warmupMs: number
  /** A look at whether everything works: the sizes are small, and the numbers mean little. */
  readonly quick: boolean
}

export interface CostServer extends ServerCommand {
  readonly version: string
  /** How it drives its sockets, where it is ours and can be told from outside. */
  readonly transport: Transport | undefined
}

export type Transport = 'uring' | 'epoll'

/** Told what is being measured, for a person who waits. */
export type Progress = (what: string) => void

/** memcached, ours as it is started without flags, and ours with epoll where that is another thing. */
export async function serversByDefault(): Promise<readonly CostServer[]> {
  const servers = await examineServers(['memcached', 'memshard'])
  const hasOther = servers.some((server) => server.transport === 'uring')
  return hasOther
    ? [...servers, ...(await examineServers(['memshard-epoll=memshard --transport epoll']))]
    : servers
}

/** Starts each once. Throws a BenchError for one that cannot be. */
export async function examineServers(texts: readonly string[]): Promise<readonly CostServer[]> {
  const servers: CostServer[] = []
  for (const server of texts.map(parseServerCommand)) {
    await using running = await startServer(server, [], undefined)
    // Not every server has a number there; it is text all the same.
    const { version } = await readStatistics(running.address)
    const transport = server.isMemshard ? transportOf(running.pid) : undefined
    servers.push({ ...server, version, transport })
  }
  return servers
}

/** A process that has an io_uring shows it among its descriptors. */
function transportOf(pid: number): Transport | undefined {
  try {
    const folder = `/proc/${pid}/fd`
    const links = readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`))
    return links.includes('anon_inode:[io_uring]') ? 'uring' : 'epoll'
  } catch {
    return undefined
  }
}
