// The nodes that stand in for those that are down, and how long what they store may live: a key that goes
// back to its own node must not find here, the next time, what was true long ago. Knows no connection.
import { Members, type MembersOptions } from './members.ts'
import type { NodeAddress } from './node/address.ts'
import type { Call } from './node/call.ts'
import type { Node } from './node/node.ts'

export interface GutterOptions {
  readonly addresses: readonly NodeAddress[]
  /** Seconds that anything stored in the gutter lives at most. */
  readonly ttl: number
}

/** memcached takes longer times for Unix times. */
const RELATIVE_MAX_SECONDS = 30 * 24 * 60 * 60

export class Gutter {
  readonly #members: Members
  readonly #ttl: number

  constructor(options: GutterOptions, members: MembersOptions) {
    this.#ttl = options.ttl
    // What lives so briefly may move between nodes.
    this.#members = new Members({ ...members, onlyUp: true })
    this.#members.replace(options.addresses)
  }

  get nodes(): readonly Node[] {
    return this.#members.nodes
  }

  locate(key: string): Node | undefined {
    return this.#members.locate(key)
  }

  /** Places the keys anew, after a node went up or down. */
  arrange(): void {
    this.#members.arrange()
  }

  /** Sends the call to the node that stands in; false when none of them is up. */
  take(call: Call): boolean {
    const node = this.#members.locate(call.routingKey)
    if (node?.state !== 'up') return false
    const { operation, ttl, initial } = call
    if (operation.hasValue || ttl !== undefined || initial !== undefined) {
      call.ttl = shorter(ttl, this.#ttl)
    }
    // As it was written, with its time among the flags.
    const isStore = operation.name === 'ms'
    if (call.metaFlags !== '' || isStore) {
      call.metaFlags = shorterFlags(call.metaFlags, this.#ttl, isStore)
    }
    node.send(call)
    return true
  }
}

/** The earlier of a time to live, as memcached takes it, and so many seconds. */
export function shorter(ttl: number | undefined, max: number, now = Date.now() / 1000): number {
  if (ttl === undefined || ttl === 0) return max
  return ttl > RELATIVE_MAX_SECONDS && ttl - now < max ? ttl : Math.min(ttl, max)
}

/** The same of the times in meta flags: to live (`T`), and of what is made on a miss (`N`). */
export function shorterFlags(flags: string, max: number, isStore: boolean): string {
  const tokens = flags.split(' ').filter((token) => token !== '')
  if (isStore && !tokens.some((token) => token[0] === 'T')) tokens.push('T0')
  return tokens
    .map((token) => token.replace(/^([TN])(-?\d+)$/, (_, flag, ttl) => flag + shorter(+ttl, max)))
    .join(' ')
}
