// Says in words what is going on with the nodes. Knows no process and no cache, only what is shown of them.
import type { ShownNode } from './live-view.ts'
import type { NodeStatus } from './node-processes.ts'

/** Reads that found nothing since the nodes last changed: of keys whose home is one of some nodes, and of all others. */
export interface MissesSince {
  readonly ofThese: number
  readonly ofOthers: number
}

type Misses = (names: readonly string[]) => MissesSince

export function storyOf(
  nodes: readonly ShownNode[],
  statuses: readonly NodeStatus[],
  misses: Misses,
  now = Date.now(),
): string {
  const down = nodes.filter(({ state }) => state === 'down' || state === 'starting')
  if (down.length === nodes.length) return ALL_DOWN
  if (down.length > 0) return storyOfDown(down, nodes, statuses, misses, now)
  const revived = statuses.filter(({ revivedAt }) => revivedAt !== undefined)
  const last = revived.sort((a, b) => b.revivedAt! - a.revivedAt!)[0]
  if (last === undefined) return ALL_UP
  const { ofThese, ofOthers } = misses([last.name])
  return (
    `${last.name} is back since ${ago(now - last.revivedAt!)}, empty, and has its own share again. ` +
    `Since then ${reads(ofThese)} of its keys missed, until it has them, and ${ofOthers} of all others.`
  )
}

const ALL_UP =
  'Each node has about a third of the keys and knows nothing of the others; the client alone knows the ring. Kill a node and see what is lost.'

const ALL_DOWN =
  'All nodes are down. The pages are the origin’s now, and slow; nobody has a session. It still serves.'

function storyOfDown(
  down: readonly ShownNode[],
  nodes: readonly ShownNode[],
  statuses: readonly NodeStatus[],
  misses: Misses,
  now: number,
): string {
  const names = down.map(({ name }) => name)
  const share = down.reduce((sum, { homeShare }) => sum + homeShare, 0)
  const { ofThese, ofOthers } = misses(names)
  const times = statuses
    .filter(({ name }) => names.includes(name))
    .map(({ downAt }) => downAt ?? now)
  const [is, its] = down.length > 1 ? ['are', 'their'] : ['is', 'its']
  const others = nodes.length - down.length > 1 ? 'the others, which have' : 'the other, which has'
  return (
    `${names.join(' and ')} ${is} down for ${ago(now - Math.max(...times))}: ${its} ` +
    `${(share * 100).toFixed(1)} % of the keys, and the sessions among them, are lost and belong to ` +
    `${others} to be given them once. Since then ${reads(ofThese)} of ${its} keys missed, and ` +
    `${ofOthers} of all others (asked for the first time, or expired).`
  )
}

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`
}

function reads(count: number): string {
  return count === 1 ? '1 read' : `${count} reads`
}
