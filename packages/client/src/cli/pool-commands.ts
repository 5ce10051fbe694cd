// Commands about the nodes: stats, ring, locate, ping, flush, invalidate. Knows no socket.
import { ArgumentError, PartialError } from '../errors.ts'
import type { NodeAddress } from '../node/address.ts'
import type { Output } from './output.ts'
import type { Run } from './session.ts'
import { EXIT_DONE, EXIT_FAILURE } from './surroundings.ts'

/** By node, by name of the statistic. */
type PoolStatistics = ReadonlyMap<string, ReadonlyMap<string, string>>

/** A row for each statistic, a column for each node. */
export function stats(kind?: string): Run {
  return async ({ client, output }) => {
    try {
      await showStatistics(await client.stats(kind ?? ''), output)
      return EXIT_DONE
    } catch (error) {
      // Those of the nodes that did answer are worth seeing all the more.
      if (error instanceof PartialError)
        await showStatistics(error.values as PoolStatistics, output)
      throw error
    }
  }
}

async function showStatistics(byNode: PoolStatistics, output: Output): Promise<void> {
  if (output.json) {
    const entries = Array.from(byNode, ([name, of]) => [name, Object.fromEntries(of)])
    await output.document(Object.fromEntries(entries))
    return
  }
  const names = new Set([...byNode.values()].flatMap((of) => [...of.keys()]))
  const rows = Array.from(names, (stat) => ({
    stat,
    ...Object.fromEntries(Array.from(byNode, ([name, of]) => [name, of.get(stat)])),
  }))
  await output.table(rows)
}

export function ring(): Run {
  return async ({ client, nodes, output }) => {
    const shares = client.shares()
    const weights = nodes.reduce((sum, { weight }) => sum + weight, 0)
    const rows = nodes.map((node) => {
      const share = shares.get(node.name) ?? 0
      const fair = node.weight / weights
      return {
        node: node.name,
        address: addressOf(node),
        weight: node.weight,
        share: output.json ? share : percent(share),
        fair: output.json ? fair : percent(fair),
      }
    })
    await output.table(rows)
    return EXIT_DONE
  }
}

export function locate(keys: readonly string[]): Run {
  return async ({ client, nodes, output }) => {
    const rows = keys.map((key) => {
      const name = client.locate(key)?.name
      const node = nodes.find((candidate) => candidate.name === name)
      return { key, node: name, address: node && addressOf(node) }
    })
    await output.table(rows)
    return EXIT_DONE
  }
}

/** One `version` to each node, all at once; the time includes the connection. */
export function ping(): Run {
  return async ({ nodes, clientOf, output }) => {
    const rows = await Promise.all(
      nodes.map(async (node) => {
        await using client = clientOf(node)
        const begun = performance.now()
        const answer = await client.version().then(
          (versions) => ({ alive: true, version: versions.get(node.name), error: undefined }),
          (error: Error) => ({ alive: false, version: undefined, error: reasonOf(error) }),
        )
        const ms = Math.round((performance.now() - begun) * 100) / 100
        return { node: node.name, address: addressOf(node), ...answer, ms }
      }),
    )
    await output.table(rows)
    return rows.every(({ alive }) => alive) ? EXIT_DONE : EXIT_FAILURE
  }
}

export function flush({ yes }: { readonly yes: boolean }): Run {
  if (!yes) throw new ArgumentError('flush drops all items of all nodes: say --yes if you mean it')
  return async ({ client, nodes, output }) => {
    await client.flush()
    if (output.json) await output.document({ flushed: nodes.map(({ name }) => name) })
    return EXIT_DONE
  }
}

export function invalidate(prefix: string): Run {
  return async ({ client, nodes, output }) => {
    await client.invalidatePrefix(prefix)
    if (output.json) {
      await output.document({ prefix, invalidated: nodes.map(({ name }) => name) })
    }
    return EXIT_DONE
  }
}

function addressOf({ host, port, path }: NodeAddress): string {
  if (path !== '') return path
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}

/** The first cause: that of the only node which was asked. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
