// `fetch`: who loads, who waits, who gets the old value. Two clients stand for two processes, which know nothing of
// each other but what the node tells them; one test has real ones.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@memshard/client'
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { REPOSITORY } from './repository.ts'

/** A loader that ends when it is told to. */
function heldLoader<T>() {
  let finish: (value: T) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const result = new Promise<T>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  return { load: vi.fn((_: { signal: AbortSignal }) => result), finish, fail }
}

describe.each(['memshard', 'memcached'] as const)('against %s', (server) => {
  const absent = server === 'memcached' ? missing('memcached') : undefined
  let node: RunningNode
  let here: Client
  let there: Client

  beforeAll(async () => {
    if (absent !== undefined) return
    node = await startNode({ server })
    const options = { nodes: [node.address], timeout: 5000, connectTimeout: 5000 }
    here = new Client(options)
    there = new Client(options)
  })
  afterAll(async () => {
    await Promise.all([here?.close(), there?.close()])
    await node?.stop()
  })
  beforeEach(async ({ skip }) => {
    skip(absent !== undefined, absent)
    await here.flush()
  })

  test('a hit needs no loader, a miss one', async () => {
    const load = vi.fn(() => ({ name: 'Ada' }))
    expect(await here.fetch('user', 60, load)).toEqual({ name: 'Ada' })
    expect(await here.fetch('user', 60, load)).toEqual({ name: 'Ada' })
    expect(await there.fetch('user', 60, load)).toEqual({ name: 'Ada' })
    expect(load).toHaveBeenCalledTimes(1)
    expect(await here.get('user')).toEqual({ name: 'Ada' })
    expect((await here.getEntry('user'))?.ttl).toBeGreaterThan(50)
  })

  test('the type is that of what the loader makes, whatever the loader takes', async () => {
    const load = async (_: AbortSignal) => ({ name: 'Ada' })
    const user = await here.fetch('user', 60, ({ signal }) => load(signal))
    expectTypeOf(user).toEqualTypeOf<{ name: string } | undefined>()
    await here.fetch<number>('count', 60, ({ previous }) => {
      expectTypeOf(previous).toEqualTypeOf<number | undefined>()
      return 1
    })
    expect(user).toEqual({ name: 'Ada' })
  })

  test('of all who miss at once, here and there, one loads', async () => {
    const { load, finish } = heldLoader<string>()
    const asking = Array.from({ length: 100 }, (_, i) =>
      (i % 2 === 0 ? here : there).fetch('page', 60, load),
    )
    await expect.poll(() => load.mock.calls.length).toBe(1)
    // The others have asked by now, and wait.
    await here.version()
    await there.version()
    finish('made once')
    expect(new Set(await Promise.all(asking))).toEqual(new Set(['made once']))
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('who has waited long enough loads too, and stores nothing', async () => {
    const { load, finish } = heldLoader<string>()
    const winner = here.fetch('page', 60, load)
    await expect.poll(() => load.mock.calls.length).toBe(1)
    expect(await there.fetch('page', 60, () => 'impatient', { waitFor: 50 })).toBe('impatient')
    expect(await there.get('page')).toBeUndefined()
    finish('made')
    expect(await winner).toBe('made')
    expect(await there.get('page')).toBe('made')
  })

  test('what has changed while it was loaded is not overwritten', async () => {
    const { load, finish } = heldLoader<string>()
    const fetching = here.fetch('page', 60, load)
    await expect.poll(() => load.mock.calls.length).toBe(1)
    await there.set('page', 'newer')
    finish('from before')
    expect(await fetching).toBe('from before')
    expect(await there.get('page')).toBe('newer')
  })

  test('a loader that fails rejects, and the next may try at once', async () => {
    await expect(
      here.fetch('page', 60, () => {
        throw new Error('database down')
      }),
    ).rejects.toThrow('database down')
    expect(await there.fetch('page', 60, () => 'better')).toBe('better')
  })

  test('a stale value is served while one makes it anew', async () => {
    const options = { staleFor: 1000 }
    await here.set('page', 'old', { ttl: 500 })
    const { load, finish } = heldLoader<string>()
    // 500 seconds are left of 1000 in which it may be stale: so it is.
    expect(await here.fetch('page', 60, load, options)).toBe('old')
    expect(await there.fetch('page', 60, load, options)).toBe('old')
    expect(load).toHaveBeenCalledTimes(1)
    finish('new')
    await expect.poll(() => there.get('page')).toBe('new')
    expect((await here.getEntry('page'))?.ttl).toBeGreaterThan(1050)
    expect(await there.fetch('page', 60, load, options)).toBe('new')
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('an invalidated value is served only to those who take stale ones', async () => {
    await here.fetch('page', 60, () => 'old', { staleFor: 60 })
    await there.invalidate('page')
    const { load, finish } = heldLoader<string>()
    expect(await here.fetch('page', 60, load, { staleFor: 60 })).toBe('old')
    const waiting = there.fetch('page', 60, () => 'not this')
    finish('new')
    expect(await waiting).toBe('new')
    await there.invalidate('page')
    expect(await here.fetch('page', 60, () => 'newest')).toBe('newest')
  })

  test('a loader that fails behind a stale value is an event, and another may try', async () => {
    const failed = vi.fn()
    here.on('refreshFailed', failed)
    await here.set('page', 'old', { ttl: 500 })
    const fail = (): never => {
      throw new Error('database down')
    }
    expect(await here.fetch('page', 60, fail, { staleFor: 1000 })).toBe('old')
    await expect.poll(() => failed.mock.calls.length).toBe(1)
    expect(failed).toHaveBeenCalledWith(
      'page',
      expect.objectContaining({ message: 'database down' }),
    )
    here.off('refreshFailed', failed)
    await expect
      .poll(async () => {
        await there.fetch('page', 60, () => 'new', { staleFor: 1000 })
        return there.get('page')
      })
      .toBe('new')
  })

  test('a loader that fails before its time leaves the value as it is, for another to try', async () => {
    await here.set('page', 'good', { ttl: 1000 })
    const failed = vi.fn()
    here.on('refreshFailed', failed)
    const fail = (): never => {
      throw new Error('database down')
    }
    const early = { earlyRefresh: 1, loadTime: 10_000_000 }
    await expect
      .poll(async () => {
        expect(await here.fetch('page', 60, fail, early)).toBe('good')
        return failed.mock.calls.length
      })
      .toBeGreaterThan(0)
    here.off('refreshFailed', failed)
    expect(await there.getEntry('page')).toMatchObject({ value: 'good', stale: false })
    expect((await there.getEntry('page'))?.ttl).toBeGreaterThan(900)
    await expect
      .poll(async () => {
        await there.fetch('page', 60, () => 'new', early)
        return there.get('page')
      })
      .toBe('new')
  })

  test('that there is no value can be remembered', async () => {
    const load = vi.fn(() => undefined)
    const options = { negativeTtl: 60 }
    expect(await here.fetch('nobody', 60, load, options)).toBeUndefined()
    expect(await there.fetch('nobody', 60, load, options)).toBeUndefined()
    expect(load).toHaveBeenCalledTimes(1)
    expect(await there.get('nobody')).toBeUndefined()
    expect((await here.getEntry('nobody'))?.ttl).toBeGreaterThan(50)
    // Otherwise everybody looks anew.
    expect(await here.fetch('someone', 60, load)).toBeUndefined()
    expect(await there.fetch('someone', 60, load)).toBeUndefined()
    expect(load).toHaveBeenCalledTimes(3)
  })

  test('that there is no value is remembered for its own time, and served as stale after it', async () => {
    const load = vi.fn((): string | undefined => undefined)
    const options = { negativeTtl: 60, staleFor: 300 }
    for (const client of [here, there, here]) {
      expect(await client.fetch('nobody', 600, load, options)).toBeUndefined()
    }
    expect(load).toHaveBeenCalledTimes(1)
    // The 60 seconds have passed.
    await here.touch('nobody', 250)
    load.mockReturnValue('somebody')
    expect(await here.fetch('nobody', 600, load, options)).toBeUndefined()
    await expect.poll(() => there.fetch('nobody', 600, load, options)).toBe('somebody')
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('a value that takes long to make is made before its time', async () => {
    const load = vi.fn(() => 'new')
    await here.set('page', 'old', { ttl: 1000 })
    // On average 10,000 seconds before: all but certainly now.
    const early = { earlyRefresh: 1, loadTime: 10_000_000 }
    await expect
      .poll(async () => {
        await here.fetch('page', 1000, load, early)
        return load.mock.calls.length
      })
      .toBeGreaterThan(0)
    await expect.poll(() => there.get('page')).toBe('new')
    load.mockClear()
    for (let i = 0; i < 20; i++)
      await here.fetch('page', 1000, load, { earlyRefresh: 1, loadTime: 1 })
    expect(load).not.toHaveBeenCalled()
  })

  test('what cannot be decoded is made anew', async () => {
    await here.meta('ms', 'page', ['F77'], { data: 'of another client' })
    const bypass = vi.fn()
    here.on('bypass', bypass)
    expect(await here.fetch('page', 60, () => 'ours')).toBe('ours')
    expect(bypass).toHaveBeenCalledTimes(1)
    here.off('bypass', bypass)
    expect(await there.get('page')).toBe('ours')
  })

  test('who gives up stops waiting, and the last of them the loader', async () => {
    const { load, finish } = heldLoader<string>()
    const first = new AbortController()
    const second = new AbortController()
    const asking = [first, second].map(({ signal }) => here.fetch('page', 60, load, { signal }))
    await expect.poll(() => load.mock.calls.length).toBe(1)
    first.abort(new Error('no patience'))
    await expect(asking[0]).rejects.toThrow('no patience')
    const { signal } = load.mock.calls[0]![0]
    expect(signal.aborted).toBe(false)
    second.abort(new Error('none either'))
    await expect(asking[1]).rejects.toThrow('none either')
    expect(signal.aborted).toBe(true)
    finish('late')
    await expect(here.fetch('page', 60, load, { signal: first.signal })).rejects.toThrow('patience')
  })

  test('processes share one load too', async () => {
    const script = `
      import { Client } from '@memshard/client'
      const cache = new Client({ nodes: ['${node.address}'], timeout: 5000, connectTimeout: 5000 })
      let loads = 0
      await cache.fetch('page', 60, async () => {
        loads++
        await new Promise((resolve) => setTimeout(resolve, 300))
        return 'made'
      })
      console.log(loads)
      await cache.close()`
    const processes = Array.from({ length: 3 }, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: `${REPOSITORY}/test`,
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    const outputs = await Promise.all(
      processes.map(async (child) => {
        const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
        return Number(output)
      }),
    )
    expect(outputs.reduce((sum, loads) => sum + loads)).toBe(1)
    expect(await here.get('page')).toBe('made')
  })
})

describe('without a cache', () => {
  test('the loader answers, once for all who ask, and it is an event', async () => {
    await using cache = new Client({ nodes: [`127.0.0.1:${await freePort()}`], timeout: 200 })
    const bypass = vi.fn()
    cache.on('bypass', bypass)
    const load = vi.fn(async () => {
      await sleep(20)
      return 'from the database'
    })
    const asking = Array.from({ length: 10 }, () => cache.fetch('page', 60, load))
    expect(new Set(await Promise.all(asking))).toEqual(new Set(['from the database']))
    expect(load).toHaveBeenCalledTimes(1)
    expect(bypass).toHaveBeenCalledWith('page', expect.any(Error))
  })

  test('nor with nodes that count as empty', async () => {
    await using node = await startNode()
    await using cache = new Client({ nodes: [node.address], failures: 1, timeout: 500 })
    await cache.version({ timeout: 10_000 })
    await node.stop('SIGKILL')
    await expect.poll(() => cache.get('a').catch(() => 'down')).toBeUndefined()
    expect(await cache.fetch('a', 60, () => 1)).toBe(1)
  })

  test('what makes no sense is told', async () => {
    await using cache = new Client({ nodes: ['127.0.0.1'] })
    const load = vi.fn(() => 1)
    const wrong = { code: 'ERR_MEMSHARD_ARGUMENT' }
    await expect(cache.fetch('a', -1, load)).rejects.toMatchObject(wrong)
    await expect(cache.fetch('a', 1, load, { staleFor: Number.NaN })).rejects.toMatchObject(wrong)
    await expect(cache.fetch('a b', 1, load)).rejects.toMatchObject({ code: 'ERR_MEMSHARD_KEY' })
    expect(load).not.toHaveBeenCalled()
  })
})
