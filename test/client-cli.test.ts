// `memshard`, the command line tool of the client package: run as users and scripts run it, against a node of ours and
// one of memcached.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { REPOSITORY } from './repository.ts'

const MEMSHARD = join(REPOSITORY, 'packages/client/bin/memshard')

const DONE = 0
const NOT_THERE = 1
const USAGE = 2
const FAILURE = 3

let nodes: RunningNode[] = []

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], servers = nodes.map(({ address }) => address).join(',')) {
  return spawn(process.execPath, [MEMSHARD, ...args], {
    env: { ...process.env, MEMCACHE_SERVERS: servers },
  })
}

async function memshard(...args: readonly string[]): Promise<Ended> {
  return ended(start(args))
}

async function ended(child: ReturnType<typeof start>): Promise<Ended> {
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, out, err }
}

async function json(...args: readonly string[]): Promise<unknown> {
  return JSON.parse((await memshard('--json', ...args)).out)
}

beforeAll(async () => {
  const other = missing('memcached') === undefined ? 'memcached' : 'memshard'
  nodes = await Promise.all([startNode(), startNode({ server: other })])
})

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()))
})

beforeEach(async () => {
  expect((await memshard('flush', '--yes')).code).toBe(DONE)
})

describe('keys', () => {
  test('what was set is got, byte for byte', async () => {
    expect(await memshard('set', 'greeting', 'hello world')).toEqual({
      code: DONE,
      out: '',
      err: '',
    })
    expect(await memshard('get', 'greeting')).toEqual({ code: DONE, out: 'hello world', err: '' })
    const setting = start(['set', 'bytes', '-', '--ttl', '100'])
    setting.stdin.end(Buffer.from([0, 255, 13, 10]))
    expect(await ended(setting)).toMatchObject({ code: DONE })
    const getting = start(['get', 'bytes'])
    expect(await buffer(getting.stdout)).toEqual(Buffer.from([0, 255, 13, 10]))
  })

  test('a miss says nothing and is exit code 1', async () => {
    expect(await memshard('get', 'nothing')).toEqual({ code: NOT_THERE, out: '', err: '' })
    expect(await memshard('--json', 'get', 'nothing')).toMatchObject({
      code: NOT_THERE,
      out: 'null\n',
    })
    expect(await memshard('delete', 'nothing')).toMatchObject({ code: NOT_THERE })
    expect(await memshard('touch', 'nothing', '10')).toMatchObject({ code: NOT_THERE })
    expect(await memshard('incr', 'nothing')).toMatchObject({ code: NOT_THERE })
  })

  test('several are a table, or an object', async () => {
    await memshard('set', 'a', 'first')
    await memshard('set', 'b', 'second')
    expect(await memshard('get', 'a', 'b')).toMatchObject({
      code: DONE,
      out: 'key  value\na    first\nb    second\n',
    })
    expect(await memshard('get', 'a', 'c')).toMatchObject({ code: NOT_THERE })
    expect(await json('get', 'a', 'b')).toEqual({ a: 'first', b: 'second' })
  })

  test('several come in the order they were asked for, whichever node answers first', async () => {
    const keys = Array.from({ length: 8 }, (_, i) => `key-${i}`)
    for (const key of keys) await memshard('set', key, 'value')
    const backwards = keys.toReversed()
    const { out } = await memshard('get', ...backwards)
    const rows = out.trimEnd().split('\n').slice(1)
    expect(rows.map((row) => row.split(' ')[0])).toEqual(backwards)
    expect(Object.keys((await json('get', ...backwards)) as object)).toEqual(backwards)
  })

  test('add, touch, delete and counters answer by their exit code', async () => {
    expect(await memshard('add', 'a', '1')).toMatchObject({ code: DONE })
    expect(await memshard('add', 'a', '2')).toMatchObject({ code: NOT_THERE })
    expect(await json('touch', 'a', '100')).toEqual({ key: 'a', touched: true })
    expect(await memshard('incr', 'n', '5', '--initial', '10')).toMatchObject({ out: '10\n' })
    expect(await memshard('incr', 'n', '5')).toMatchObject({ code: DONE, out: '15\n' })
    expect(await json('decr', 'n')).toEqual({ key: 'n', value: 14 })
    expect(await memshard('delete', 'a', 'n')).toMatchObject({ code: DONE })
    expect(await memshard('delete', 'a', 'n')).toMatchObject({ code: NOT_THERE })
  })
})

describe('nodes', () => {
  test('keys lists those of every node', async () => {
    const keys = Array.from({ length: 4 }, (_, i) => `user:${i}`)
    for (const key of keys) await memshard('set', key, 'x', '--ttl', '1000')
    await memshard('set', 'é', 'x')
    expect((await memshard('keys')).out.trim().split('\n').sort()).toEqual([...keys, 'é'].sort())
    expect(
      (await memshard('keys', '--prefix', 'user:', '--limit', '3')).out.split('\n'),
    ).toHaveLength(4)
    const { out } = await memshard('--json', 'keys', '--prefix', 'user:1')
    const [node] = (await json('locate', 'user:1')) as { node: string }[]
    const listed = JSON.parse(out)
    expect(listed).toMatchObject({ node: node?.node, key: 'user:1' })
    expect(listed.ttl).toBeGreaterThan(900)
    expect((await memshard('keys', '--long', '--prefix', 'é')).out).toMatch(/ - +\d+s {2}é\n$/)
  })

  test('ring tells the shares, and locate where a key is', async () => {
    const rows = (await json('ring')) as { node: string; share: number; fair: number }[]
    expect(rows.map(({ node }) => node)).toEqual(nodes.map(({ address }) => address))
    expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
    expect(rows.map(({ fair }) => fair)).toEqual([0.5, 0.5])
    expect((await memshard('locate', 'a')).out).toMatch(
      /^key {2}node +address\na {4}127\.0\.0\.1:\d+/,
    )
  })

  test('ping and stats have a line and a column for each', async () => {
    const rows = (await json('ping')) as { alive: boolean }[]
    expect(rows.map(({ alive }) => alive)).toEqual([true, true])
    const statistics = (await json('stats', 'settings')) as Record<string, { maxbytes: string }>
    expect(Object.values(statistics).map(({ maxbytes }) => maxbytes)).toEqual([
      '67108864',
      '67108864',
    ])
    expect((await memshard('stats')).out).toMatch(/^stat +127\S+ +127\S+\npid +\d+ +\d+\n/)
  })

  test('watch follows what happens until it is told to stop', async () => {
    const watching = start(['--json', 'watch', 'mutations'], nodes[0]!.address)
    let seen = ''
    watching.stdout.setEncoding('utf8').on('data', (data: string) => {
      seen += data
    })
    const servers = ['--servers', nodes[0]!.address]
    await expect
      .poll(async () => {
        await memshard(...servers, 'set', 'watched', 'x')
        return seen
      })
      .toMatch(/\n$/)
    watching.kill('SIGINT')
    expect(await once(watching, 'close')).toEqual([DONE, null])
    expect(JSON.parse(seen.split('\n')[0]!)).toMatchObject({
      node: nodes[0]!.address,
      type: 'item_store',
      key: 'watched',
    })
  })

  test('flush wants to be sure', async () => {
    await memshard('set', 'a', '1')
    expect(await memshard('flush')).toMatchObject({ code: USAGE, err: /--yes/ })
    expect(await memshard('get', 'a')).toMatchObject({ code: DONE })
    expect(await memshard('flush', '-y')).toMatchObject({ code: DONE })
    expect(await memshard('get', 'a')).toMatchObject({ code: NOT_THERE })
  })
})

describe('what is wrong', () => {
  test.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [[], /Usage: memshard/],
    [['get'], /missing required argument/],
    [['get', 'a b'], /has a space/],
    [['incr', 'a', '-1'], /unknown option|no amount/],
    [['touch', 'a', 'soon'], /no time to live/],
    [['watch', 'a b'], /nothing to watch/],
    [['--timeout', '0', 'ping'], /above 0/],
    [['--servers', 'a:b:c', 'ping'], /is no node/],
  ])('%j is refused with a reason and exit code 2', async (args, reason) => {
    const { code, err } = await memshard(...args)
    expect({ code, err }).toEqual({ code: USAGE, err: expect.stringMatching(reason) })
  })

  test('a node that is not there is exit code 3, and the others still tell', async () => {
    const gone = `127.0.0.1:${await freePort()}`
    const alive = nodes[0]!.address
    const servers = ['--servers', `${alive},${gone}`]
    const ping = await memshard(...servers, '--json', 'ping')
    expect(ping.code).toBe(FAILURE)
    expect(JSON.parse(ping.out)).toMatchObject([
      { node: alive, alive: true },
      { node: gone, alive: false, error: expect.stringContaining('ECONNREFUSED') },
    ])
    const stats = await memshard(...servers, 'stats')
    expect(stats).toMatchObject({ code: FAILURE, out: expect.stringContaining('curr_items') })
    expect(stats.err).toContain(gone)
    expect(await memshard('--servers', gone, 'get', 'a')).toMatchObject({ code: FAILURE, out: '' })
    expect(await memshard('--servers', gone, 'keys')).toMatchObject({ code: FAILURE, out: '' })
  })

  test('help and version are no failure', async () => {
    expect(await memshard('--help')).toMatchObject({ code: DONE, out: /^Usage: memshard/ })
    expect(await memshard('--version')).toMatchObject({ code: DONE, out: /^\d+\.\d+\.\d+\n$/ })
  })
})
