// Entries that go out of date by their tags, on nodes of ours and of memcached.
import { Client, NodeDownError, PartialError, Tags } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'

async function twoNodes(server: 'memshard' | 'memcached') {
  const nodes = await Promise.all([startNode({ server }), startNode({ server })])
  const client = new Client({
    nodes: nodes.map(({ address }) => address),
    timeout: 10_000,
    failures: 1,
    probe: { min: 20, max: 50 },
  })
  return {
    client,
    nodes,
    tags: new Tags({ client }),
    async [Symbol.asyncDispose]() {
      await client.close()
      await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
    },
  }
}

/** A tag whose generation is on this node. */
function tagOn(client: Client, node: RunningNode): string {
  const tags = Array.from({ length: 100 }, (_, index) => `t${index}`)
  return tags.find((tag) => client.locate(`tag:${tag}`)?.port === node.port) as string
}

describe.each(['memshard', 'memcached'] as const)('on %s', (server) => {
  let shared: Awaited<ReturnType<typeof twoNodes>>
  beforeAll(async () => {
    shared = await twoNodes(server)
  })
  afterAll(() => shared[Symbol.asyncDispose]())

  test('what has one of the tags is out of date, all else is not', async () => {
    const { tags } = shared
    const ofBoth = (await tags.stamp(['user:1', 'posts']))!
    const ofOne = (await tags.stamp(['posts']))!
    expect([await tags.isCurrent(ofBoth), await tags.isCurrent(ofOne)]).toEqual([true, true])
    await tags.invalidate(['user:1', 'nobody'])
    expect([await tags.isCurrent(ofBoth), await tags.isCurrent(ofOne)]).toEqual([false, true])
    expect(await tags.isCurrent((await tags.stamp(['user:1', 'posts']))!)).toBe(true)
  })

  test('a stamp is plain data, which can be stored in any form', async () => {
    const { client, tags } = shared
    await client.set('page', { html: '<p>', stamp: (await tags.stamp(['posts']))! } as never)
    const { stamp } = (await client.get<{ stamp: [string, string][] }>('page'))!
    expect(await tags.isCurrent(stamp)).toBe(true)
    expect(await tags.isCurrent(JSON.parse(JSON.stringify(stamp)))).toBe(true)
  })

  test('what was begun before an invalidation is out of date when it is stored after it', async () => {
    const { tags } = shared
    const stamp = (await tags.stamp(['posts']))!
    await tags.invalidate(['posts'])
    expect(await tags.isCurrent(stamp)).toBe(false)
  })

  test('all who begin at once with a new tag agree', async () => {
    const stamps = await Promise.all(Array.from({ length: 50 }, () => shared.tags.stamp(['new'])))
    expect(new Set(stamps.map((stamp) => JSON.stringify(stamp))).size).toBe(1)
  })

  test('tags are any text', async () => {
    const { tags } = shared
    const names = ['', 'with space', 'ü'.repeat(500), '\n', '__proto__', 'sha256:', 'a'.repeat(129)]
    const stamps = await Promise.all(names.map(async (name) => (await tags.stamp([name]))!))
    for (const [index, name] of names.entries()) {
      await tags.invalidate([name])
      const current = await Promise.all(stamps.map((stamp) => tags.isCurrent(stamp)))
      expect(current).toEqual(names.map((_, other) => other > index))
    }
  })

  test('what has no tags is always current, and nobody is asked', async () => {
    const nobody = new Tags({ client: {} as never })
    expect(await nobody.stamp([])).toEqual([])
    expect(await nobody.isCurrent([])).toBe(true)
    await nobody.invalidate([])
  })

  test('a generation that was evicted is lost for good', async () => {
    const { client, tags } = shared
    const before = (await tags.stamp(['posts']))!
    await client.delete('tag:posts')
    expect(await tags.isCurrent(before)).toBe(false)
    expect(await tags.isCurrent((await tags.stamp(['posts']))!)).toBe(true)
    expect(await tags.isCurrent(before)).toBe(false)
  })

  test('a node that is lost takes its tags with it: misses, and nothing out of date', async () => {
    await using cache = await twoNodes(server)
    const { client, tags, nodes } = cache
    const [lost, kept] = nodes.map((node) => tagOn(client, node)) as [string, string]
    const stamps = [(await tags.stamp([lost]))!, (await tags.stamp([kept]))!] as const
    await nodes[0]!.stop('SIGKILL')
    // Until it is known to be down, a call fails; then it is a miss.
    await expect.poll(() => tags.isCurrent(stamps[0]).catch(() => 'failed')).toBe(false)
    expect(await tags.isCurrent(stamps[1])).toBe(true)
    expect(await tags.stamp([lost, kept])).toBeUndefined()
    const refused = await tags.invalidate([lost, kept]).catch((error) => error)
    expect(refused).toBeInstanceOf(PartialError)
    expect([...refused.failed.keys()]).toEqual([lost])
    expect(refused.failed.get(lost)).toBeInstanceOf(NodeDownError)
    expect(await tags.isCurrent(stamps[1])).toBe(false)

    nodes[0] = await startNode({ server, port: nodes[0]!.port })
    await expect.poll(() => tags.stamp([lost]).catch(() => undefined)).toBeDefined()
    expect(await tags.isCurrent(stamps[0])).toBe(false)
  })
})
