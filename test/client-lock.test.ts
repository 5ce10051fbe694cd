// Locks over nodes of ours and of memcached: who has them, for how long, and how their holders learn that they haven't any more.
import { Client, type Lock, LockedError, LockLostError, lock } from '@memshard/client'
import { describe, expect, test } from 'vitest'
import { startNode } from './nodes.ts'
import { shareCache } from './shared-cache.ts'

describe.each(['memshard', 'memcached'] as const)('on %s', (server) => {
  let client: Client
  shareCache({ server }, (cache) => {
    client = cache.client
  })

  const aborted = (held: Lock) =>
    expect.poll(() => held.signal.reason).toBeInstanceOf(LockLostError)

  test('one has it, until it is released; each who gets it has a higher token', async () => {
    const first = await lock(client, 'one')
    expect(first.isHeld).toBe(true)
    await expect(lock(client, 'one')).rejects.toBeInstanceOf(LockedError)
    await expect(lock(client, 'one', { waitFor: 50 })).rejects.toMatchObject({
      code: 'ERR_MEMSHARD_LOCKED',
      key: 'one',
    })
    expect(await first.release()).toBe(true)
    expect(await first.release()).toBe(false)
    expect(first.isHeld).toBe(false)
    const second = await lock(client, 'one')
    expect(second.token).toBeGreaterThan(first.token)
    expect(Number.isSafeInteger(second.token)).toBe(true)
    await second.release()
  })

  test('those who wait have it one after the other', async () => {
    let inside = 0
    let most = 0
    const tokens: number[] = []
    const one = async (): Promise<void> => {
      const held = await lock(client, 'many', { waitFor: 30_000 })
      await held.run(async ({ token }) => {
        most = Math.max(most, ++inside)
        tokens.push(token)
        await client.get('something')
        inside--
      })
    }
    await Promise.all(Array.from({ length: 20 }, one))
    expect(most).toBe(1)
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
    expect(tokens).toHaveLength(20)
  })

  test('is released at the end of its scope, and when the work fails', async () => {
    {
      await using held = await lock(client, 'scope')
      expect(held.isHeld).toBe(true)
    }
    const failing = (await lock(client, 'scope')).run(() => {
      throw new Error('as planned')
    })
    await expect(failing).rejects.toThrow('as planned')
    expect(await (await lock(client, 'scope')).run(({ key }) => key)).toBe('scope')
  })

  test('waiting ends with the signal, and leaves no lock behind', async () => {
    const held = await lock(client, 'signal')
    const controller = new AbortController()
    const waiting = lock(client, 'signal', { waitFor: 60_000, signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await held.release()
    await (await lock(client, 'signal')).release()
  })

  test('is held for longer than its time, because it is renewed', async () => {
    const held = await lock(client, 'renewed', { ttl: 2 })
    const before = (await client.gets('lock:renewed'))!.cas
    await expect.poll(async () => (await client.gets('lock:renewed'))?.cas).not.toBe(before)
    expect(held.isHeld).toBe(true)
    expect(await held.renew()).toBe(true)
    await held.release()
  })

  test('is lost, in good time, when it isn’t renewed', async () => {
    const held = await lock(client, 'lost', { ttl: 2, renew: false })
    await aborted(held)
    expect(held.isHeld).toBe(false)
    expect(await held.renew()).toBe(false)
    await using next = await lock(client, 'lost', { waitFor: 20_000 })
    expect(next.token).toBeGreaterThan(held.token)
    // Not the next holder's.
    expect(await held.release()).toBe(false)
    expect(next.isHeld).toBe(true)
    await expect(lock(client, 'lost')).rejects.toBeInstanceOf(LockedError)
  })

  test('who has lost it learns of it, and so does who waits for the work', async () => {
    const held = await lock(client, 'evicted', { ttl: 4 })
    await client.delete('lock:evicted')
    await using other = await lock(client, 'evicted')
    expect(other.token).toBeGreaterThan(held.token)
    let reason: unknown
    const work = held.run(async ({ signal }) => {
      await expect.poll(() => signal.aborted).toBe(true)
      reason = signal.reason
      return 'done too late'
    })
    await expect(work).rejects.toMatchObject({ code: 'ERR_MEMSHARD_LOCK_LOST' })
    expect(reason).toBeInstanceOf(LockLostError)
    expect(other.isHeld).toBe(true)
  })

  test('tokens go on upwards when their counter is lost', async () => {
    const first = await lock(client, 'forgotten')
    await first.release()
    await client.flush()
    const second = await lock(client, 'forgotten')
    expect(second.token).toBeGreaterThan(first.token)
    await second.release()
  })

  test('who loses the lock while it is being taken doesn’t have it', async () => {
    const slow = Object.create(client) as Client
    for (const name of ['add', 'gets', 'cas', 'delete'] as const) {
      Object.assign(slow, { [name]: (client[name] as () => unknown).bind(client) })
    }
    let other: Lock | undefined
    slow.incr = async (...asked) => {
      // Its time is over here, and somebody else comes.
      await client.delete('lock:slow')
      other ??= await lock(client, 'slow')
      return client.incr(...asked)
    }
    await expect(lock(slow, 'slow')).rejects.toBeInstanceOf(LockedError)
    expect(other?.isHeld).toBe(true)
    await other?.release()
  })
})

test('a node that can’t be reached gives no lock, and takes the one that is held', async () => {
  const node = await startNode()
  await using client = new Client({ nodes: [node.address], timeout: 2_000, failures: 1 })
  const held = await lock(client, 'key', { ttl: 3 })
  await node.stop('SIGKILL')
  await expect(lock(client, 'other')).rejects.toThrow()
  await expect.poll(() => held.signal.aborted).toBe(true)
  expect(held.isHeld).toBe(false)
})

test('refuses what makes no sense', async () => {
  const nobody = {} as Client
  await expect(lock(nobody, 'key', { ttl: 1 })).rejects.toThrow(/ttl is 1/)
  await expect(lock(nobody, 'key', { waitFor: -1 })).rejects.toThrow(/waitFor is -1/)
})
