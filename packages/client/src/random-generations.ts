// Items that hold a random text each, of which what depends on them bears a copy: it is out of date when the copies differ. One
// that its node has lost never comes back, so that nothing is ever current by mistake. Knows no tag and no part of keys.
import { randomBytes } from 'node:crypto'
import type { Client } from './client.ts'
import type { CallOptions } from './options.ts'

/** 72 random bits, as 12 characters. */
export function newGeneration(): string {
  return randomBytes(9).toString('base64url')
}

/** Of two replicas that disagree, one would let through what the other has made out of date. */
export function onOneNode<O extends CallOptions>(options: O): O & { readonly replicas: 1 } {
  return { ...options, replicas: 1 }
}

/** Those that are there, by key. */
export async function readGenerations(
  client: Pick<Client, 'getMulti'>,
  keys: Iterable<string>,
  options: CallOptions = {},
): Promise<Map<string, string>> {
  const all = [...keys]
  return all.length === 0 ? new Map() : client.getMulti<string>(all, onOneNode(options))
}

/** All of them, begun where there are none; but those whose node is down, if that counts as a miss. */
export async function begunGenerations(
  client: Pick<Client, 'add' | 'getMulti'>,
  keys: Iterable<string>,
  options: CallOptions = {},
): Promise<Map<string, string>> {
  const all = new Set(keys)
  const generations = await readGenerations(client, all, options)
  const missing = [...all].filter((key) => !generations.has(key))
  const begun = await Promise.all(
    missing.map(async (key) => {
      const generation = newGeneration()
      const isOurs = await client.add(key, generation, onOneNode(options))
      if (isOurs) generations.set(key, generation)
      return isOurs
    }),
  )
  // Of several who begin one at once, one does, and all take that.
  const theirs = missing.filter((_, index) => !begun[index])
  for (const [key, generation] of await readGenerations(client, theirs, options)) {
    generations.set(key, generation)
  }
  return generations
}
