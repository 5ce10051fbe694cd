// What may be found under a key, as far as its only writer knows: by node, because each holds what it was told and no
// other. Knows versions and times; no client and no network.

/** What a write makes of a key: a value of this version, or nothing. */
export interface Written {
  readonly version: number
  readonly isGone: boolean
}

interface Unanswered extends Written {
  /** Milliseconds, of performance.now(). */
  readonly at: number
}

interface Held {
  /** The last write that the node has said it has carried out. */
  last: Written
  lastAt: number
  /** Writes that were not answered: they may be carried out yet, before or after others. */
  unanswered: Unanswered[]
}

/** So long a write that nobody waits for any more may lie in a socket of a frozen node. */
const LATE_MS = 60_000

const NOTHING: Written = { version: 0, isGone: true }

export class Book {
  readonly #byNode = new Map<string, Held>()
  #lastVersion = 0

  next(isGone: boolean): Written {
    return { version: ++this.#lastVersion, isGone }
  }

  /** A write is on its way to one of these nodes. */
  begun(nodes: readonly string[], written: Written, at: number): void {
    for (const node of nodes) this.#of(node).unanswered.push({ ...written, at })
  }

  /** The node has said that it has carried it out: what came before on the same connection is over. */
  done(node: string, written: Written, at: number): void {
    const held = this.#of(node)
    held.last = written
    held.lastAt = at
    held.unanswered = held.unanswered.filter(
      ({ version, at: since }) => version !== written.version && at - since < LATE_MS,
    )
  }

  /** Whether one of the nodes may hold it. Nothing is what any cache may hold. */
  mayFind(nodes: readonly string[], version: number): boolean {
    return nodes.some((node) => {
      const { last, unanswered } = this.#of(node)
      if (last.version === version && !last.isGone) return true
      return unanswered.some((write) => write.version === version && !write.isGone)
    })
  }

  /** Since when the node must have a value, if nothing befalls it; undefined if it needn't. */
  heldSince(node: string): number | undefined {
    const held = this.#byNode.get(node)
    if (held === undefined || held.last.isGone || held.unanswered.length > 0) return undefined
    return held.lastAt
  }

  /** Whether the newest write that was carried out anywhere has left a value. */
  get hasValue(): boolean {
    const { newestDone } = this
    return [...this.#byNode.values()].some(
      ({ last }) => last.version === newestDone && !last.isGone,
    )
  }

  /** Of any node. */
  get newestDone(): number {
    return Math.max(0, ...[...this.#byNode.values()].map(({ last }) => last.version))
  }

  #of(node: string): Held {
    let held = this.#byNode.get(node)
    if (held === undefined) {
      held = { last: NOTHING, lastAt: 0, unanswered: [] }
      this.#byNode.set(node, held)
    }
    return held
  }
}

/** A value all of whose pieces say whose it is: a mixed or torn one is no such value. */
export function valueFor(key: string, version: number, length: number): string {
  const piece = `${key}#${version};`
  return piece.repeat(Math.ceil(length / piece.length) + 1).slice(0, piece.length + length)
}

/** The version of a value of the key; undefined if it is none. */
export function versionOf(key: string, value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const version = Number(/^[^#]*#(\d+);/.exec(value)?.[1])
  const piece = `${key}#${version};`
  return valueFor(key, version, value.length - piece.length) === value ? version : undefined
}
