// Tags as Next.js has them: entries are stored without a word before they are made, are asked for with tags that they were not
// stored with, and may be served for a while after their tag was revalidated. Knows these rules, and no entry.
import { randomBytes } from 'node:crypto'
import type { Client } from '../client.ts'
import { NodeDownError } from '../errors.ts'
import { itemName } from './item-names.ts'

type Items = Pick<Client, 'add' | 'cas' | 'getMulti' | 'gets' | 'set'>

/** What a tag is. Times are in milliseconds, by the clocks of those who revalidate. */
interface Tag {
  /** Of this tag since it was made, lost or expired: an entry that was stored with another is out of date. */
  readonly generation: string
  readonly madeAt: number
  /** When it was revalidated, its entries being served meanwhile; 0: never. */
  readonly staleAt: number
  /** Until when they are; 0: for as long as they live. */
  readonly expiresAt: number
}

/** The tags of an entry, with their generations. */
export type TagStamp = ReadonlyArray<readonly [tag: string, generation: string]>

export type Freshness = 'fresh' | 'stale' | 'expired'

/** Of two replicas that disagree, one would let through what the other has revalidated. */
const ON_ONE_NODE = { replicas: 1 }
const CAS_TRIES = 5
/** How long making an entry may take for a tag that nobody knew to count as old as the entry. */
const MAKING_MAX_MS = 60_000

/**
 * Each tag is an item. One that is lost, with its node or by eviction, is made anew in another generation: its entries are misses then.
 */
export class NextTags {
  readonly #items: Items

  constructor(items: Items) {
    this.#items = items
  }

  /** Sees to it that the tags are known, so that what is begun from now on can be asked for with them. */
  async know(tags: Iterable<string>): Promise<void> {
    await this.#known(new Set(tags), Date.now())
  }

  /** What an entry is stored with that was begun then; undefined when one of its tags was revalidated since, or is not reached. */
  async stamp(tags: Iterable<string>, begunAt: number): Promise<TagStamp | undefined> {
    const now = Date.now()
    const all = new Set(tags)
    const known = await this.#known(all, now - begunAt < MAKING_MAX_MS ? begunAt : now)
    if (known.size < all.size) return undefined
    for (const { madeAt, staleAt } of known.values()) {
      if (madeAt > begunAt || staleAt > begunAt) return undefined
    }
    return [...known].map(([tag, { generation }]) => [tag, generation])
  }

  /** Of an entry that was begun then, with tags that it is asked for with besides its own. */
  async freshness(stamp: TagStamp, begunAt: number, asked: Iterable<string>): Promise<Freshness> {
    const own = new Map(stamp)
    const all = new Set([...own.keys(), ...asked])
    if (all.size === 0) return 'fresh'
    const now = Date.now()
    const known = await this.#known(all, now)
    let freshness: Freshness = 'fresh'
    for (const tag of all) {
      const is = known.get(tag)
      if (is === undefined) return 'expired'
      const generation = own.get(tag)
      if (generation === undefined ? is.madeAt > begunAt : is.generation !== generation) {
        return 'expired'
      }
      if (is.staleAt <= begunAt) continue
      if (is.expiresAt !== 0 && is.expiresAt <= now) return 'expired'
      freshness = 'stale'
    }
    return freshness
  }

  /**
   * Entries with one of these tags are out of date once this resolves, or, when `expire` says for how many seconds, served while
   * they are made anew.
   * @throws NodeDownError, or what the client rejects with, when a tag was not reached: its entries may be found again.
   */
  async revalidate(tags: Iterable<string>, expire?: number): Promise<void> {
    const told = [...new Set(tags)].map((tag) => this.#revalidate(tag, expire))
    await Promise.all(told)
  }

  async #revalidate(tag: string, expire: number | undefined): Promise<void> {
    const key = itemName(tag)
    // Later than anything that was begun in this millisecond, and maybe before.
    const now = Date.now() + 1
    for (let tries = 0; expire !== undefined && expire > 0 && tries < CAS_TRIES; tries++) {
      const found = await this.#items.gets<string>(key, ON_ONE_NODE)
      const is = parsed(found?.value)
      if (found === undefined || is === undefined) break
      const next = { ...is, staleAt: now, expiresAt: now + expire * 1000 }
      if ((await this.#items.cas(key, written(next), found.cas, ON_ONE_NODE)) === 'stored') return
    }
    if (await this.#items.set(key, written(newTag(now)), ON_ONE_NODE)) return
    throw new NodeDownError(`the tag ${tag} was not revalidated: its node is down`)
  }

  /** The tags that are reached; those that nobody knows are made, as of then. */
  async #known(tags: ReadonlySet<string>, madeAt: number): Promise<Map<string, Tag>> {
    const known = await this.#read(tags)
    const missing = [...tags].filter((tag) => !known.has(tag))
    if (missing.length === 0) return known
    const made = missing.map((tag) =>
      this.#items.add(itemName(tag), written(newTag(madeAt)), ON_ONE_NODE),
    )
    await Promise.all(made)
    // Of several who make one at once, one does, and all take that.
    return new Map([...known, ...(await this.#read(missing))])
  }

  async #read(tags: Iterable<string>): Promise<Map<string, Tag>> {
    const keys = new Map(Array.from(tags, (tag) => [itemName(tag), tag]))
    const found = await this.#items.getMulti<string>(keys.keys(), ON_ONE_NODE)
    const known = new Map<string, Tag>()
    for (const [key, text] of found) {
      const tag = parsed(text)
      if (tag !== undefined) known.set(keys.get(key)!, tag)
    }
    return known
  }
}

function newTag(madeAt: number): Tag {
  return { generation: randomBytes(9).toString('base64url'), madeAt, staleAt: 0, expiresAt: 0 }
}

function written({ generation, madeAt, staleAt, expiresAt }: Tag): string {
  return [generation, madeAt, staleAt, expiresAt].join(' ')
}

function parsed(text: unknown): Tag | undefined {
  if (text === undefined) return undefined
  const [generation = '', ...times] = String(text).split(' ')
  const [madeAt, staleAt, expiresAt] = times.map(Number)
  if (madeAt === undefined || staleAt === undefined || expiresAt === undefined) return undefined
  return { generation, madeAt, staleAt, expiresAt }
}
