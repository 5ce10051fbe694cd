// What several processes have counted, told as if one had: numbers are added up, name by name and key by key. Knows which
// few entries are no counts; not what the others mean.
import type { ProxySnapshot } from './snapshot.ts'

/** From bad to good: of a node that the processes see differently, the worst is told. */
const STATES: readonly unknown[] = ['ejected', 'probing', 'closed', 'up']

/** Of one entry, all that were told of it. */
type Choice = (values: readonly unknown[]) => unknown

const NO_COUNTS: Readonly<Record<string, Choice>> = {
  startedAt: (times) => Math.min(...(times as readonly number[])),
  pid: ([own]) => own,
  isReached: (answers) => answers.some(Boolean),
  state: (states) => STATES.find((state) => states.includes(state)),
}

/** The first is the own one: what can't be added up is taken from there. */
export function sumOf(snapshots: readonly ProxySnapshot[]): ProxySnapshot {
  return snapshots.length === 1 ? snapshots[0]! : (sum(snapshots) as ProxySnapshot)
}

function sum(values: readonly unknown[]): unknown {
  const [first] = values
  if (typeof first === 'number') {
    return (values as readonly number[]).reduce((total, value) => total + value)
  }
  if (first instanceof Map) {
    return sumOfEntries((values as readonly Map<string, unknown>[]).flatMap((map) => [...map]))
  }
  if (Array.isArray(first)) return sumOfLists(values as readonly (readonly unknown[])[])
  if (typeof first !== 'object' || first === null) return first
  const entries = values.flatMap((value) => Object.entries(value as object))
  return Object.fromEntries(sumOfEntries(entries, NO_COUNTS))
}

/** In the order in which the keys were first told. */
function sumOfEntries(
  entries: readonly (readonly [string, unknown])[],
  choices: Readonly<Record<string, Choice>> = {},
): Map<string, unknown> {
  const byKey = new Map<string, unknown[]>()
  for (const [key, value] of entries) {
    const values = byKey.get(key)
    if (values === undefined) byKey.set(key, [value])
    else values.push(value)
  }
  return new Map(Array.from(byKey, ([key, values]) => [key, (choices[key] ?? sum)(values)]))
}

/** Numbers by their places; all else by name, as a node may be there for one process alone. */
function sumOfLists(lists: readonly (readonly unknown[])[]): unknown[] {
  if (typeof lists.flat()[0] === 'number') {
    return lists[0]!.map((_, place) => sum(lists.map((list) => list[place])))
  }
  const items = lists.flat() as readonly { readonly name?: string; readonly route?: string }[]
  const entries = items.map((item) => [item.name ?? item.route ?? '', item] as const)
  return [...sumOfEntries(entries).values()]
}
