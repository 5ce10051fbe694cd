// All that the node of this process tells of itself, asked in-process. Knows which groups there are.
import type { InProcessClient } from './in-process-client.ts'
import { GROUPS, type Group, type NodeStatistics, parseStatistics } from './statistics-text.ts'

/** Each group is read under one hold of the cache's lock, which is let go between them. */
export function readStatistics(
  client: Pick<InProcessClient, 'ask'>,
  groups: readonly Group[] = Object.keys(GROUPS) as Group[],
): NodeStatistics {
  const of = (group: Group) =>
    parseStatistics(groups.includes(group) ? client.ask(`stats ${GROUPS[group]}`.trimEnd()) : '')
  return {
    general: of('general'),
    slabs: of('slabs'),
    items: of('items'),
    settings: of('settings'),
    latency: of('latency'),
    memshard: of('memshard'),
  }
}
