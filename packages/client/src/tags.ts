// Tags: names of what entries are made of, by which all of them go out of date at once. For any memcached: nothing is listed
// and nothing is searched, entries carry what their tags were when they were begun. Knows the client's calls, and not what
// entries are or where they live.
import type { Client } from './client.ts'
import { NodeDownError, PartialError } from './errors.ts'
import type { CallOptions } from './options.ts'
import {
  begunGenerations,
  newGeneration,
  onOneNode,
  readGenerations,
} from './random-generations.ts'
import { textAsKey } from './text-as-key.ts'

export interface TagsOptions {
  /** Where the tags live. It stays yours to close. */
  readonly client: Pick<Client, 'add' | 'getMulti' | 'set'>
  /** What the keys of tags begin with. Default `tag:`. */
  readonly prefix?: string
}

/** What tags were at some moment. Plain data, to be stored with the entry. */
export type TagStamp = readonly (readonly [tag: string, generation: string])[]

/** Longer tags, and such as are no key as they are, are hashed. */
const TAG_MAX_LENGTH = 128

/**
 * Each tag is an item with a generation, which is random. An entry is stored with those of its tags (`stamp`), and is current
 * as long as they are the same (`isCurrent`). A generation that is lost with its node, or evicted, never comes back: the entry
 * is a miss then, and never out of date.
 */
export class Tags {
  readonly #client: TagsOptions['client']
  readonly #prefix: string

  constructor({ client, prefix = 'tag:' }: TagsOptions) {
    this.#client = client
    this.#prefix = prefix
  }

  /**
   * What the tags are now. To be asked BEFORE what goes into the entry is read: then what is invalidated in the meantime is
   * out of date when it is stored. Undefined when a node is down, and that counts as a miss: store nothing then.
   * @throws PartialError when nodes failed.
   */
  async stamp(tags: Iterable<string>, options: CallOptions = {}): Promise<TagStamp | undefined> {
    const keys = this.#keysOf(tags)
    const begun = await begunGenerations(this.#client, keys.keys(), options)
    return begun.size < keys.size ? undefined : [...byTag(keys, begun)]
  }

  /** Whether no tag was invalidated, or lost, since. @throws PartialError when nodes failed. */
  async isCurrent(stamp: TagStamp, options: CallOptions = {}): Promise<boolean> {
    if (stamp.length === 0) return true
    const now = await this.#read(
      stamp.map(([tag]) => tag),
      options,
    )
    return stamp.every(([tag, generation]) => now.get(tag) === generation)
  }

  /**
   * All entries with one of these tags are out of date once this resolves. When it rejects, those of the nodes that failed
   * are misses only as long as their node is down: it may come back with what it knew, so try again until it resolves.
   * @throws PartialError when nodes failed or are down.
   */
  async invalidate(tags: Iterable<string>, options: CallOptions = {}): Promise<void> {
    const all = [...new Set(tags)]
    const generation = newGeneration()
    const told = await Promise.allSettled(
      all.map((tag) => this.#client.set(this.#key(tag), generation, onOneNode(options))),
    )
    const failed = new Map<string, Error>()
    for (const [index, outcome] of told.entries()) {
      const tag = all[index] as string
      if (outcome.status === 'rejected') failed.set(tag, outcome.reason)
      else if (!outcome.value) failed.set(tag, new NodeDownError(`the node of tag ${tag} is down`))
    }
    if (failed.size > 0) throw new PartialError(new Map(), failed, all.length)
  }

  async #read(tags: Iterable<string>, options: CallOptions): Promise<Map<string, string>> {
    const keys = this.#keysOf(tags)
    return byTag(keys, await readGenerations(this.#client, keys.keys(), options))
  }

  /** The tags by their keys. */
  #keysOf(tags: Iterable<string>): Map<string, string> {
    return new Map(Array.from(tags, (tag) => [this.#key(tag), tag]))
  }

  #key(tag: string): string {
    return this.#prefix + textAsKey(tag, TAG_MAX_LENGTH)
  }
}

function byTag(
  keys: ReadonlyMap<string, string>,
  generations: ReadonlyMap<string, string>,
): Map<string, string> {
  return new Map(Array.from(generations, ([key, generation]) => [keys.get(key)!, generation]))
}
