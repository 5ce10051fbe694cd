// Prefixes with a limit, as `stats memshard` tells of them, for the page. Knows the statistics' names.
import type { LimitedPrefix } from './page-data.ts'
import { byId, numberOf, type Statistics } from './statistics-text.ts'

export function limitedPrefixes(memshard: Statistics): readonly LimitedPrefix[] {
  return Array.from(byId(memshard, 'prefix_limit:'), ([prefix, told]) => {
    const of = (name: string): number => numberOf(told, name) ?? 0
    return {
      prefix,
      limitBytes: of('limit_bytes'),
      bytes: of('bytes'),
      items: of('items'),
      evictions: of('evictions'),
      refusals: of('refusals'),
    }
  })
}
