// Every command of the client against a real node, ours and memcached.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  ArgumentError,
  bytesCodec,
  Client,
  ClosedError,
  CodecError,
  type Encoded,
  KeyError,
  NodeDownError,
  OverloadError,
  PartialError,
  ProtocolError,
  ServerError,
  TimeoutError,
} from '@memshard/client'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort, MEMSHARD_SERVER, type RunningNode, startNode } from './nodes.ts'
import { startPeer } from './scripted-peer.ts'

// A busy machine must not fail a test that is not about deadlines.
const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }

describe.each(['memcached', 'memshard'] as const)('against %s, the client', (server) => {
  let node: RunningNode
  let cache: Client

  beforeAll(async () => {
    node = await startNode({ server, args: ['-m', '64'] })
    cache = new Client({ nodes: [node.address], ...PATIENT })
  })
  beforeEach(() => cache?.flush())
  afterAll(async () => {
    await cache?.close()
    await node?.stop('SIGKILL')
  })

  describe('get and set', () => {
    test('return what was stored, and undefined for a miss', async () => {
      expect(await cache.set('greeting', 'hello')).toBe(true)
      expect(await cache.get('greeting')).toBe('hello')
      expect(await cache.get('nothing')).toBeUndefined()
    })

    test('keep every type of value', async () => {
      const values = ['', 'héllo 😀', 0, -1.5, 2n ** 70n, true, null, { a: [1, null] }]
      for (const value of values) {
        await cache.set('value', value)
        expect(await cache.get('value')).toEqual(value)
      }
      await cache.set('value', Buffer.from([0, 13, 10, 255]))
      expect(await cache.get('value')).toEqual(Buffer.from([0, 13, 10, 255]))
    })

    test('keep values that look like the protocol', async () => {
      for (const value of [
        'END\r\n',
        '\r\nEND\r\n',
        'VALUE a 0 1\r\n',
        'VA 1 f0\r\nx\r\n',
        '\r',
        '\0',
      ]) {
        await cache.set('tricky', value)
        expect(await cache.get('tricky')).toBe(value)
      }
    })

    test('keep values of any size up to the node’s limit', async () => {
      const sizes = [1, 1024, 16_384, 16_385, 65_536, 70_000, 1_000_000]
      await Promise.all(
        sizes.map((size) => cache.set(`size:${size}`, Buffer.alloc(size, size & 255))),
      )
      const values = await Promise.all(sizes.map((size) => cache.get<Buffer>(`size:${size}`)))
      sizes.forEach((size, i) => {
        expect(values[i]!.length).toBe(size)
        expect(values[i]!.every((byte) => byte === (size & 255))).toBe(true)
      })
    })

    test('find keys that are names of Object’s properties, long ones and those of any script', async () => {
      const keys = [
        '__proto__',
        'constructor',
        'toString',
        'k'.repeat(250),
        'é'.repeat(125),
        '日本',
      ]
      for (const key of keys) await cache.set(key, `value of ${key}`)
      for (const key of keys) expect(await cache.get(key)).toBe(`value of ${key}`)
    })

    test('answer each of a thousand calls of one tick with its own value', async () => {
      const keys = Array.from({ length: 1000 }, (_, i) => `one-of-many:${i}`)
      await Promise.all(keys.map((key) => cache.set(key, `value of ${key}`)))
      const values = await Promise.all(keys.map((key) => cache.get(key)))
      expect(values).toEqual(keys.map((key) => `value of ${key}`))
    })
  })

  test('getMulti returns the items that exist', async () => {
    const keys = Array.from({ length: 200 }, (_, i) => `multi:${i}`)
    await Promise.all(keys.map((key, i) => (i % 2 ? cache.set(key, i) : undefined)))
    const found = await cache.getMulti<number>([...keys, ...keys])
    expect(found.size).toBe(100)
    for (let i = 1; i < 200; i += 2) expect(found.get(`multi:${i}`)).toBe(i)
    expect(await cache.getMulti([])).toEqual(new Map())
    expect((await cache.getMulti(['__proto__', 'nope'])).size).toBe(0)
  })

  test('add stores only new keys, replace only existing ones', async () => {
    expect(await cache.replace('k', 1)).toBe(false)
    expect(await cache.add('k', 2)).toBe(true)
    expect(await cache.add('k', 3)).toBe(false)
    expect(await cache.get('k')).toBe(2)
    expect(await cache.replace('k', 4)).toBe(true)
    expect(await cache.get('k')).toBe(4)
  })

  test('append and prepend extend an item and keep its type', async () => {
    expect(await cache.append('k', 'x')).toBe(false)
    expect(await cache.prepend('k', 'x')).toBe(false)
    await cache.set('k', Buffer.from('b'))
    expect(await cache.append('k', Buffer.from('c'))).toBe(true)
    expect(await cache.prepend('k', 'a')).toBe(true)
    expect(await cache.get('k')).toEqual(Buffer.from('abc'))
  })

  test('cas stores only over the version that gets saw', async () => {
    await cache.set('k', 'first')
    const entry = await cache.gets<string>('k')
    expect(entry?.value).toBe('first')
    expect(await cache.cas('k', 'second', entry!.cas)).toBe('stored')
    expect(await cache.cas('k', 'third', entry!.cas)).toBe('conflict')
    expect(await cache.get('k')).toBe('second')
    expect(await cache.cas('missing', 'x', entry!.cas)).toBe('missing')
    expect(await cache.gets('missing')).toBeUndefined()
  })

  test('delete says whether there was something', async () => {
    await cache.set('k', 1)
    expect(await cache.delete('k')).toBe(true)
    expect(await cache.delete('k')).toBe(false)
    expect(await cache.get('k')).toBeUndefined()
  })

  describe('counters', () => {
    test('go up and down, and stop at 0', async () => {
      expect(await cache.incr('n')).toBeUndefined()
      await cache.set('n', 10)
      expect(await cache.incr('n')).toBe(11)
      expect(await cache.incr('n', 4)).toBe(15)
      expect(await cache.decr('n', 7)).toBe(8)
      expect(await cache.get('n')).toBe(8)
      expect(await cache.decr('n', 100)).toBe(0)
    })

    test('start where they are told to', async () => {
      expect(await cache.incr('n', 5, { initial: 100, ttl: 60 })).toBe(100)
      expect(await cache.incr('n', 5, { initial: 100 })).toBe(105)
    })

    test('have 64 bits', async () => {
      await cache.set('n', String(2n ** 53n - 1n))
      expect(await cache.incr('n')).toBe(2n ** 53n)
      expect(await cache.incr('n', 2n ** 62n)).toBe(2n ** 53n + 2n ** 62n)
      // memcached takes an item of 2^63 or more for negative when a '-' happens to be in the memory
      // behind it, so the item stays below.
      await cache.set('n', String(2n ** 63n - 1n))
      expect(await cache.incr('n', 2n ** 63n + 1n)).toBe(0)
    })

    test('refuse what is no amount, and items that are no counters', async () => {
      await cache.set('text', 'abc')
      await expect(cache.incr('text')).rejects.toThrow(ServerError)
      for (const by of [-1, 1.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n]) {
        await expect(cache.incr('n', by)).rejects.toThrow(ArgumentError)
      }
    })
  })

  describe('time to live', () => {
    test('is set by set, touch and getAndTouch', async () => {
      await cache.set('k', 1, { ttl: -1 })
      expect(await cache.get('k')).toBeUndefined()
      await cache.set('k', 'here', { ttl: 31 * 86_400 })
      expect(await cache.touch('k', 100)).toBe(true)
      expect(await cache.getAndTouch('k', 50)).toBe('here')
      expect(await cache.touch('k', -1)).toBe(true)
      expect(await cache.get('k')).toBeUndefined()
      expect(await cache.touch('k', 100)).toBe(false)
      expect(await cache.getAndTouch('k', 100)).toBeUndefined()
    })

    test('ends an item after that many seconds', async () => {
      await cache.set('short', 1, { ttl: 1 })
      await cache.set('long', 1, { ttl: 100 })
      await expect.poll(() => cache.get('short'), { timeout: 5000 }).toBeUndefined()
      expect(await cache.get('long')).toBe(1)
    })
  })

  test('invalidatePrefix empties what is under a prefix, of a namespace too', async () => {
    if (server === 'memcached') {
      await expect(cache.invalidatePrefix('user:')).rejects.toThrow(/ERROR/)
      return
    }
    const users = cache.namespace('user:')
    await users.setMulti(
      new Map([
        ['1', 'Ada'],
        ['2', 'Bob'],
      ]),
    )
    await cache.set('team:1', 'Ada, Bob')
    await users.invalidatePrefix('1')
    expect(await users.get('1')).toBeUndefined()
    expect(await users.get('2')).toBe('Bob')
    await users.set('1', 'Ada again')
    expect(await users.get('1')).toBe('Ada again')
    await users.invalidatePrefix('')
    expect((await users.getMulti(['1', '2'])).size).toBe(0)
    expect(await cache.get('team:1')).toBe('Ada, Bob')
    for (const prefix of ['', 'a b', 'k'.repeat(251)]) {
      await expect(cache.invalidatePrefix(prefix)).rejects.toThrow(KeyError)
    }
  })

  test('flush empties the node', async () => {
    await cache.set('k', 1)
    await cache.flush()
    expect(await cache.get('k')).toBeUndefined()
  })

  test('stats and version tell about every node by name', async () => {
    await cache.set('k', 1)
    const general = (await cache.stats()).get(node.address)!
    expect(Number(general.get('curr_items'))).toBeGreaterThanOrEqual(1)
    expect(general.get('pid')).toBe(String(node.pid))
    expect((await cache.stats('settings')).get(node.address)!.get('tcpport')).toBe(
      String(node.port),
    )
    expect((await cache.version()).get(node.address)).toMatch(/^\d+\.\d+/)
  })

  test('stats gives the lines of a cachedump by their keys', async () => {
    const dump = async (slabClass: number) =>
      (await cache.stats(`cachedump ${slabClass} 0`)).get(node.address)
    await cache.set('dumped', 'value')
    // It is dumped when the server has moved it to the list that it dumps.
    await expect.poll(() => dump(1)).toMatchObject(new Map([['dumped', '[5 b; 0 s]']]))
    expect(await dump(20)).toEqual(new Map())
  })

  describe('refusals', () => {
    test('a wrong key is a KeyError and writes nothing', async () => {
      const before = (await cache.stats()).get(node.address)!.get('bytes_read')
      for (const key of ['', 'a b', 'a\r\nflush_all', 'k'.repeat(251), 'x\ud800']) {
        await expect(cache.get(key)).rejects.toThrow(KeyError)
        await expect(cache.set(key, 1)).rejects.toThrow(KeyError)
        await expect(cache.getMulti(['fine', key])).rejects.toThrow(KeyError)
      }
      const after = (await cache.stats()).get(node.address)!.get('bytes_read')
      expect(Number(after) - Number(before)).toBe('stats\r\n'.length)
    })

    test('a value too large is a ServerError with the key, and the connection goes on', async () => {
      const connections = await connectionCount(cache, node)
      const tooLarge = cache.set('huge', Buffer.alloc(3 * 1024 * 1024))
      const next = cache.set('k', 'after')
      await expect(tooLarge).rejects.toMatchObject({
        code: 'ERR_MEMSHARD_SERVER',
        key: 'huge',
        node: node.address,
      })
      await expect(tooLarge).rejects.toThrow(ServerError)
      expect(await next).toBe(true)
      expect(await cache.get('k')).toBe('after')
      expect(cache.nodes[0]!.state).toBe('up')
      expect(await connectionCount(cache, node)).toBe(connections)
    })

    test('a value of another client is a CodecError, which bytesCodec can read', async () => {
      await raw(node, 'set foreign 2 0 3\r\nabc\r\n', 'STORED\r\n')
      await expect(cache.get('foreign')).rejects.toThrow(CodecError)
      await using bytes = new Client({ nodes: [node.address], codec: bytesCodec, ...PATIENT })
      expect(await bytes.get('foreign')).toEqual(Buffer.from('abc'))
      expect(await cache.set('k', 1)).toBe(true)
    })

    test('what a codec makes wrong is a CodecError and writes nothing', async () => {
      for (const encoded of [
        { data: 7, flags: 0 },
        { data: 'x', flags: -1 },
        { data: 'x' },
        null,
      ]) {
        const codec = { encode: () => encoded as unknown as Encoded, decode: () => undefined }
        await using wrong = new Client<unknown>({ nodes: [node.address], codec, ...PATIENT })
        await expect(wrong.set('k', 'x')).rejects.toThrow(CodecError)
        expect(await wrong.delete('k')).toBe(false)
      }
      await expect(cache.append('k', 7 as unknown as string)).rejects.toThrow(ArgumentError)
    })

    test('an aborted signal rejects with its reason, and others go on', async () => {
      const reason = new Error('no longer needed')
      await expect(cache.get('k', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      const controller = new AbortController()
      const { signal } = controller
      const aborted = [cache.get('k', { signal }), cache.getMulti(['k', 'l'], { signal })]
      const other = cache.set('k', 'other')
      controller.abort(reason)
      for (const call of aborted) await expect(call).rejects.toBe(reason)
      expect(await other).toBe(true)
      expect(await cache.get('k')).toBe('other')
    })

    test('a call aborted before its connection is there is never carried out', async () => {
      await using cold = new Client({ nodes: [node.address], ...PATIENT })
      const controller = new AbortController()
      const stored = cold.set('k', 'too late', { signal: controller.signal })
      controller.abort()
      await expect(stored).rejects.toThrow('abort')
      expect(await cold.get('k')).toBeUndefined()
    })

    test('too many calls at once are OverloadErrors, the others succeed', async () => {
      await using small = new Client({ nodes: [node.address], maxInflight: 10, ...PATIENT })
      const results = await Promise.allSettled(Array.from({ length: 15 }, () => small.get('k')))
      const refused = results.filter((result) => result.status === 'rejected')
      expect(refused.map((result) => result.reason.constructor)).toEqual(
        Array(5).fill(OverloadError),
      )
      expect(await small.get('k')).toBeUndefined()
    })
  })

  test('any sequence of commands does what a Map would', async () => {
    const key = fc.constantFrom('a', 'b', 'c')
    const command = fc.oneof(
      fc.tuple(fc.constantFrom('set', 'add', 'replace', 'append', 'prepend'), key, fc.string()),
      fc.tuple(fc.constantFrom('get', 'delete'), key, fc.constant('')),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        await cache.flush()
        const model = new Map<string, string>()
        const expected: unknown[] = []
        const actual: Promise<unknown>[] = []
        for (const [name, key, value] of commands) {
          const old = model.get(key)
          switch (name) {
            case 'get':
              actual.push(cache.get(key))
              expected.push(old)
              continue
            case 'delete':
              actual.push(cache.delete(key))
              expected.push(model.delete(key))
              continue
          }
          const command = name as 'set' | 'add' | 'replace' | 'append' | 'prepend'
          actual.push(cache[command](key, value))
          const stores = command === 'set' || (command === 'add') === (old === undefined)
          expected.push(stores)
          if (!stores) continue
          if (command === 'append') model.set(key, old + value)
          else if (command === 'prepend') model.set(key, value + old)
          else model.set(key, value)
        }
        expect(await Promise.all(actual)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  test('a thousand calls on a cold client share one connection', async () => {
    const before = await connectionCount(cache, node)
    await using cold = new Client({ nodes: [node.address], ...PATIENT })
    await Promise.all(Array.from({ length: 1000 }, (_, i) => cold.get(`cold:${i}`)))
    expect((await connectionCount(cache, node)) - before).toBe(1)
  })

  test('close waits for what was issued, then refuses, and leaves no socket', async () => {
    const before = openSockets()
    const client = new Client({ nodes: [node.address], ...PATIENT })
    const calls = Array.from({ length: 100 }, (_, i) => client.set(`closing:${i}`, i))
    const closed = client.close()
    expect(await Promise.all(calls)).toEqual(Array(100).fill(true))
    expect(openSockets()).toBe(before + 1)
    await closed
    expect(openSockets()).toBe(before)
    await expect(client.get('k')).rejects.toThrow(ClosedError)
    await client.close()
  })

  test('a unix socket works as TCP does', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'memshard-'))
    const path = join(directory, 's')
    // With -s there is no TCP port for startNode to await, so the socket is awaited here.
    const root = process.getuid?.() === 0 ? ['-u', 'root'] : []
    const child = spawn(server === 'memcached' ? 'memcached' : MEMSHARD_SERVER, [
      '-s',
      path,
      ...root,
    ])
    try {
      await using client = new Client({ nodes: [path], ...PATIENT, failures: 1_000_000 })
      await expect
        .poll(() => client.set('k', 1, { timeout: 200 }).catch(() => false), { timeout: 10_000 })
        .toBe(true)
      expect(await client.get('k')).toBe(1)
      expect(client.nodes[0]!.name).toBe(path)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
      await rm(directory, { recursive: true })
    }
  })
})

describe('without a healthy node, the client', () => {
  test('fails calls at their deadline when the node takes connections and says nothing', async () => {
    await using peer = await startPeer(() => {})
    await using cache = new Client({ nodes: [peer.address], timeout: 100, failures: 1000 })
    const begun = performance.now()
    const error = await cache.get('k').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ code: 'ERR_MEMSHARD_TIMEOUT', key: 'k', node: peer.address })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(99)
    await expect(cache.get('k', { timeout: 1 })).rejects.toThrow('within 1 ms')
  })

  test('drops a late answer instead of giving it to the next call', async () => {
    let asked = 0
    await using peer = await startPeer((socket) => {
      // The first answer is late; every answer carries its own number.
      const number = ++asked
      const answer = `VA 1 f0\r\n${number}\r\n`
      if (number === 1) held = () => socket.write(answer)
      else {
        held()
        socket.write(answer)
      }
    })
    let held = (): void => {}
    await using cache = new Client({ nodes: [peer.address], timeout: 10_000 })
    await expect(cache.get('late', { timeout: 50 })).rejects.toThrow(TimeoutError)
    expect(await cache.get('next')).toBe('2')
  })

  test('closes a connection that says nothing while calls wait, and tries another', async () => {
    await using peer = await startPeer((socket, connection) => {
      if (connection > 1) socket.write('EN\r\n')
    })
    await using cache = new Client({ nodes: [peer.address], timeout: 100, failures: 1000 })
    await expect(cache.get('k')).rejects.toThrow(TimeoutError)
    await once(cache, 'disconnect')
    expect(await cache.get('k', { timeout: 5000 })).toBeUndefined()
  })

  test('does not take slowness for silence while a patient caller waits', async () => {
    const lines: string[] = []
    await using peer = await startPeer((socket, _, line) => {
      lines.push(line)
      if (lines.length === 10) socket.write('EN\r\n'.repeat(10))
    })
    await using cache = new Client({ nodes: [peer.address], timeout: 50, failures: 1000 })
    const patient = cache.get('patient', { timeout: 10_000 })
    // Eight deadlines take twice the time after which a silent connection is closed.
    for (let i = 0; i < 8; i++) await expect(cache.get('hasty')).rejects.toThrow(TimeoutError)
    expect(await cache.get('last', { timeout: 10_000 })).toBeUndefined()
    expect(await patient).toBeUndefined()
  })

  test.each([
    ['an answer to something else', 'OK\r\n'],
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a value with a wrong length', 'VA 3 f0\r\nabcdef\r\n'],
    ['more answers than questions', 'EN\r\nEN\r\nEN\r\nEN\r\n'],
    ['ERROR, having no meta commands', 'ERROR\r\n'],
  ])('fails all calls of a connection on which the node sends %s', async (_, answer) => {
    await using peer = await startPeer((socket) => socket.write(answer))
    await using cache = new Client({ nodes: [peer.address], timeout: 5000 })
    const disconnected = once(cache, 'disconnect')
    const calls = await Promise.allSettled([cache.get('a'), cache.get('b')])
    await disconnected
    for (const call of calls) {
      if (call.status === 'rejected') expect(call.reason).toBeInstanceOf(ProtocolError)
      else expect(call.value).toBeUndefined()
    }
    if (!answer.startsWith('EN'))
      expect(calls.map((call) => call.status)).not.toContain('fulfilled')
  })

  test('refuses further calls when the node does not read', async () => {
    const sockets: Socket[] = []
    const server = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const cache = new Client({
      nodes: [`127.0.0.1:${port}`],
      timeout: 1000,
      failures: 1000,
      maxQueuedBytes: 1024 * 1024,
    })
    const value = Buffer.alloc(1024 * 1024)
    const errors: unknown[] = []
    while (!errors.some((error) => error instanceof OverloadError)) {
      cache.set('k', value).catch((error: unknown) => errors.push(error))
      await nextTurn()
    }
    await cache.close()
    expect(
      errors.every((error) => error instanceof OverloadError || error instanceof TimeoutError),
    ).toBe(true)
    for (const socket of sockets) socket.destroy()
    await once(server.close(), 'close')
  })

  test('sends a read once more when its connection is lost, and an incr never', async () => {
    const seen: string[] = []
    await using peer = await startPeer((socket, connection, line) => {
      seen.push(line)
      if (connection < 3) socket.destroy()
      else socket.write('EN\r\n')
    })
    await using cache = new Client({ nodes: [peer.address], timeout: 5000, failures: 1000 })
    await expect(cache.incr('n')).rejects.toMatchObject({ code: 'ERR_MEMSHARD_CONNECTION' })
    expect(await cache.get('k')).toBeUndefined()
    expect(seen).toEqual(['ma n MI D1 v', 'mg k v f', 'mg k v f'])
  })

  test('does not send a read a third time', async () => {
    const seen: string[] = []
    await using peer = await startPeer((socket, _, line) => {
      seen.push(line)
      socket.destroy()
    })
    await using cache = new Client({ nodes: [peer.address], timeout: 5000, failures: 1000 })
    await expect(cache.get('k')).rejects.toMatchObject({ code: 'ERR_MEMSHARD_CONNECTION' })
    expect(seen).toEqual(['mg k v f', 'mg k v f'])
  })

  test('ejects the only node, fails at once, and uses it again when it is back', async () => {
    const port = await freePort()
    await using cache = new Client({
      nodes: [`127.0.0.1:${port}`],
      timeout: 5000,
      probe: { min: 20, max: 50 },
    })
    const ejected = once(cache, 'eject')
    await expect(cache.get('k')).rejects.toThrow(NodeDownError)
    await ejected
    await expect(cache.get('k')).rejects.toThrow(NodeDownError)
    const returned = once(cache, 'return')
    await using _node = await startNode({ server: 'memcached', port })
    await returned
    expect(await cache.set('k', 1)).toBe(true)
  })

  test('closes at once while it probes a node that says nothing', async () => {
    await using peer = await startPeer(() => {})
    const cache = new Client({
      nodes: [peer.address],
      timeout: 20,
      failures: 1,
      connectTimeout: 100_000,
      probe: { min: 1, max: 1 },
    })
    await cache.get('k').catch(() => {})
    await expect.poll(() => cache.nodes[0]!.state).toBe('probing')
    await cache.close()
    expect(cache.nodes[0]!.state).toBe('closed')
  })

  test('onNodeDown: error keeps the keys of the others apart from the failure', async () => {
    await using alive = await startNode({ server: 'memcached' })
    const dead = `127.0.0.1:${await freePort()}`
    await using cache = new Client({
      nodes: [alive.address, dead],
      timeout: 5000,
      onNodeDown: 'error',
    })
    const keys = Array.from({ length: 40 }, (_, i) => `k:${i}`)
    const home = (key: string): string => cache.locate(key)!.name
    const expected = new Map(keys.map((key) => [key, home(key)]))
    expect(new Set(expected.values())).toEqual(new Set([alive.address, dead]))
    for (const key of keys.filter((key) => home(key) === alive.address)) await cache.set(key, key)
    const error = await cache.getMulti(keys).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(PartialError)
    const { values, failed } = error as PartialError<string>
    for (const key of keys) {
      if (expected.get(key) === dead) expect(failed.get(key)).toBeInstanceOf(NodeDownError)
      else expect(values.get(key)).toBe(key)
    }
    await expect(cache.version()).rejects.toMatchObject({
      values: new Map([[alive.address, expect.stringMatching(/^\d/)]]),
    })
  })

  test('refuses options that make no sense', () => {
    const nodes = ['127.0.0.1']
    expect(() => new Client({ nodes: [] })).toThrow(ArgumentError)
    expect(() => new Client({ nodes: ['a', 'a:11211'] })).toThrow(ArgumentError)
    expect(() => new Client({ nodes, timeout: 0 })).toThrow(ArgumentError)
    expect(() => new Client({ nodes, timeout: Number.POSITIVE_INFINITY })).toThrow(ArgumentError)
    expect(() => new Client({ nodes, failures: 0 })).toThrow(ArgumentError)
    expect(() => new Client({ nodes, maxInflight: 1.5 })).toThrow(ArgumentError)
  })
})

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}

async function connectionCount(cache: Client, node: RunningNode): Promise<number> {
  return Number((await cache.stats()).get(node.address)!.get('total_connections'))
}

/** Sends bytes past the client and waits for exactly the answer. */
async function raw(node: RunningNode, request: string, answer: string): Promise<void> {
  const socket = connect(node.port, node.host)
  socket.write(request)
  let received = ''
  for await (const chunk of socket) {
    received += String(chunk)
    if (received.length >= answer.length) break
  }
  expect(received).toBe(answer)
}
