// The text protocol's login (`-Y`) by the client, to our server and to memcached.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArgumentError, AuthError, Client, NodeDownError } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { startPeer } from './scripted-peer.ts'

const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }
const USER = { username: 'web', password: 'pässword:1' }

let directory: string
let users: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  users = join(directory, 'users')
  writeFileSync(users, `${USER.username}:${USER.password}\n`)
})
afterAll(() => rmSync(directory, { recursive: true }))

describe.each(['memshard', 'memcached'] as const)('a login to %s', (server) => {
  let node: RunningNode

  beforeAll(async () => {
    node = await startNode({ server, args: ['-Y', users] })
  })
  afterAll(() => node?.stop('SIGKILL'))

  test('comes before the calls that wait, on every connection', async () => {
    await using cache = new Client({
      nodes: [node.address],
      auth: USER,
      connections: 3,
      ...PATIENT,
    })
    let connections = 0
    cache.on('connect', () => connections++)
    const keys = Array.from({ length: 500 }, (_, i) => `key:${i}`)
    await Promise.all(keys.map((key) => cache.set(key, `value of ${key}`)))
    const values = await Promise.all(keys.map((key) => cache.get(key)))
    expect(values).toEqual(keys.map((key) => `value of ${key}`))
    expect(connections).toBe(3)
  })

  test('with a wrong password is an AuthError for who waits, and ejects the node at once', async () => {
    const auth = { ...USER, password: 'guess' }
    await using cache = new Client({ nodes: [node.address], auth, ...PATIENT })
    const ejected = once(cache, 'eject')
    let attempts = 0
    cache.on('disconnect', () => attempts++)
    const calls = [cache.get('a'), cache.set('b', 1), cache.incr('c')]
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({
        code: 'ERR_MEMSHARD_AUTH',
        node: node.address,
        message: expect.stringContaining('CLIENT_ERROR authentication failure'),
      })
    }
    const [, reason] = await ejected
    expect(reason).toBeInstanceOf(AuthError)
    expect(reason.message).not.toContain('guess')
    const error = await cache.get('a').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(NodeDownError)
    expect((error as Error).cause).toBe(reason)
    expect(attempts).toBe(1)
  })

  test('that is missing is an AuthError, too', async () => {
    for (const ask of [(cache: Client) => cache.get('k'), (cache: Client) => cache.set('k', 'v')]) {
      await using cache = new Client({ nodes: [node.address], ...PATIENT })
      await expect(ask(cache)).rejects.toThrow(AuthError)
    }
  })

  test('works again when the password does', async () => {
    const wrong = join(directory, `wrong-${server}`)
    writeFileSync(wrong, 'web:changed\n')
    await using changed = await startNode({ server, args: ['-Y', wrong] })
    await using cache = new Client({
      nodes: [changed.address],
      auth: USER,
      probe: { min: 20, max: 50 },
      ...PATIENT,
    })
    await expect(cache.get('k')).rejects.toThrow(AuthError)
    const returned = once(cache, 'return')
    writeFileSync(wrong, `${USER.username}:${USER.password}\n`)
    changed.process.kill('SIGHUP')
    await returned
    expect(await cache.set('k', 1)).toBe(true)
  })

  test('that it does not ask for leaves no password in it', async () => {
    await using open = await startNode({ server })
    await using cache = new Client({ nodes: [open.address], auth: USER, ...PATIENT })
    expect(await cache.set('k', 1)).toBe(true)
    expect(await cache.get('login')).toBeUndefined()
    expect((await cache.stats()).get(open.address)!.get('curr_items')).toBe('1')
  })
})

describe('a login that is not answered', () => {
  test('is a connection that could not be made', async () => {
    await using peer = await startPeer(() => {})
    await using cache = new Client({
      nodes: [peer.address],
      auth: USER,
      timeout: 10_000,
      connectTimeout: 1_000,
      failures: 1,
    })
    const ejected = once(cache, 'eject')
    await expect(cache.get('k')).rejects.toThrow(NodeDownError)
    expect((await ejected)[1].message).toContain('not logged in within 1000 ms')
  })

  test('holds back every command, and a lost one has sent none of them', async () => {
    const lines: string[] = []
    await using peer = await startPeer((socket, connection, line) => {
      lines.push(line)
      if (connection === 1) socket.destroy()
      else if (line.startsWith('web ')) socket.write('STORED\r\n')
      else if (!line.startsWith('set ')) socket.write('NF\r\n')
    })
    await using cache = new Client({ nodes: [peer.address], auth: USER, failures: 2, ...PATIENT })
    // An incr is never sent twice, so the first time it was not sent.
    expect(await cache.incr('n')).toBeUndefined()
    expect(lines.filter((line) => line.startsWith('ma'))).toEqual(['ma n MI D1 v'])
    expect(lines.at(-1)).toBe('ma n MI D1 v')
  })
})

test('credentials that no authfile can hold are refused when the client is made', () => {
  for (const auth of [
    { username: '', password: 'x' },
    { username: 'a b', password: 'x' },
    { username: 'a:b', password: 'x' },
    { username: 'a', password: '' },
    { username: 'a', password: 'x\r\nflush_all' },
    { username: 'a', password: 'x'.repeat(251) },
    { username: 'a', password: undefined as unknown as string },
  ]) {
    expect(() => new Client({ nodes: ['127.0.0.1'], auth })).toThrow(ArgumentError)
  }
})
