// What a command makes of a key, for those who keep a copy of the item elsewhere: which commands can be asked everywhere
// alike, and what makes a copy right again after one that can't. Knows commands; no pool.
import type { Call } from '../node/call.ts'
import { relayed } from '../wire/relayed-operations.ts'

/**
 * - `read`: changes nothing; any copy will do.
 * - `alike`: carried out everywhere, it leaves the same everywhere.
 * - `once`: what it makes depends on what is there, so that one place is asked, and its outcome decides what becomes of the
 *   copies.
 */
export type Spreading = 'read' | 'alike' | 'once'

export function spreadingOf({ operation, metaFlags }: Call): Spreading {
  switch (operation) {
    case relayed.get:
    case relayed.gets:
    case relayed.me:
      return 'read'
    case relayed.mg:
      // Who wins the right to make a value anew must be decided in one place.
      if (hasFlag(metaFlags, 'NR')) return 'once'
      return hasFlag(metaFlags, 'T') ? 'alike' : 'read'
    case relayed.set:
    case relayed.delete:
    case relayed.touch:
    case relayed.gat:
    case relayed.gats:
      return 'alike'
    case relayed.md:
      return hasFlag(metaFlags, 'C') ? 'once' : 'alike'
    case relayed.ms:
      return hasFlag(metaFlags, 'CI') || modeOf(metaFlags) !== 'S' ? 'once' : 'alike'
    default:
      return 'once'
  }
}

/**
 * What makes a copy right after this call has been carried out elsewhere: the same value, where it is known, or its
 * deletion; undefined when it is right.
 */
export function repairOf(call: Call): Call | undefined {
  switch (call.operation) {
    case relayed.mg:
      return undefined
    case relayed.add:
    case relayed.replace:
    case relayed.cas:
      return call.copy(relayed.set)
    case relayed.ms:
      if ('AP'.includes(modeOf(call.metaFlags))) return deletionOf(call)
      return Object.assign(call.copy(), { metaFlags: onlyFlags(call.metaFlags, 'FTEb') })
    default:
      return deletionOf(call)
  }
}

/** The key of a call, deleted. */
export function deletionOf(call: Call): Call {
  const isMeta = call.operation.name[0] === 'm'
  const metaFlags = isMeta ? onlyFlags(call.metaFlags, 'b') : ''
  const removal = call.copy(isMeta ? relayed.md : relayed.delete)
  return Object.assign(removal, { metaFlags, ttl: undefined, data: '' })
}

function hasFlag(metaFlags: string, letters: string): boolean {
  if (metaFlags === '') return false
  return metaFlags.split(' ').some((flag) => flag !== '' && letters.includes(flag[0]!))
}

function onlyFlags(metaFlags: string, letters: string): string {
  return metaFlags
    .split(' ')
    .filter((flag) => flag !== '' && letters.includes(flag[0]!))
    .join(' ')
}

function modeOf(metaFlags: string): string {
  return /(?:^| )M(.)/.exec(metaFlags)?.[1] ?? 'S'
}
