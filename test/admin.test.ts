// The admin port: health as a supervisor asks for it, who may ask for what, and that no request of any kind harms the
// node.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REQUESTS, survivesNoise } from './admin-access.ts'
import { askHttp, startAdminNode } from './admin-node.ts'
import { freePort, MEMSHARD_SERVER, startNode } from './nodes.ts'
import { served, start } from './processes.ts'
import { TRANSPORTS } from './transports.ts'
import { Wire } from './wire.ts'

const TOKEN = 'a-token-that-nobody-guesses'

let folder: string
let tokenFile: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'memshard-admin-'))
  tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, `${TOKEN}\n`)
})
afterAll(() => rmSync(folder, { recursive: true }))

const PLAIN = 'text/plain; charset=utf-8'

describe.each(TRANSPORTS)('health, over %s', (transport) => {
  test('a node that serves is alive and ready', async () => {
    await using admin = await startAdminNode({ args: ['--transport', transport] })
    for (const path of ['/healthz', '/readyz']) {
      const { status, body, headers } = await admin.ask(path)
      expect([status, body, headers['content-type']]).toEqual([200, 'serving\n', PLAIN])
    }
  })

  test('one that is full is alive and not ready, until somebody goes', async () => {
    await using admin = await startAdminNode({ args: ['--transport', transport, '-c', '2'] })
    // What asked whether it is up may still be on its way out.
    await using _ = await served(admin.node)
    {
      await using __ = await served(admin.node)
      expect(await admin.ask('/healthz')).toMatchObject({
        status: 200,
        body: 'the cache answers\n',
      })
      expect(await admin.ask('/readyz')).toMatchObject({
        status: 503,
        body: 'no room for further connections\n',
      })
    }
    await expect.poll(() => admin.ask('/readyz').then(({ status }) => status)).toBe(200)
  })

  test('one that is stopping is alive and not ready', async () => {
    await using admin = await startAdminNode({ args: ['--transport', transport, '-I', '8m'] })
    // A client that takes none of what it was promised makes a graceful stop last.
    await using slow = await Wire.connect(admin.node)
    await slow.ask(`set a 0 0 4000000\r\n${'x'.repeat(4_000_000)}\r\n`)
    slow.socket.pause()
    slow.send('get a a a a a\r\n')
    await using other = await Wire.connect(admin.node)
    await other.ask('version\r\n')
    admin.node.process.kill('SIGUSR1')
    await expect.poll(() => admin.ask('/readyz')).toMatchObject({ status: 503, body: 'stopping\n' })
    expect(await admin.ask('/healthz')).toMatchObject({ status: 200 })
  })
})

test.each([
  ['users of -Y', ['-Y', 'authfile'], {}],
  ['the binary protocol', ['-B', 'binary'], {}],
  ['SASL', ['-S'], { MEMCACHED_SASL_PWDB: 'sasl' }],
])('health with %s needs no login', async (_, flags, env) => {
  writeFileSync(join(folder, 'authfile'), 'user:password\n')
  writeFileSync(join(folder, 'sasl'), 'user:password\n')
  const inFolder = (name: string): string =>
    name === 'authfile' || name === 'sasl' ? join(folder, name) : name
  await using admin = await startAdminNode({
    args: flags.map(inFolder),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, inFolder(value)])),
  })
  expect(await admin.ask('/readyz')).toMatchObject({ status: 200, body: 'serving\n' })
  expect((await admin.ask('/metrics')).body).toContain('memcached_up 1\n')
})

test('health of a node on a unix socket, and of one that takes datagrams alone', async () => {
  const path = join(folder, 'socket')
  for (const listen of [
    ['-s', path],
    ['-l', '127.0.0.1', '-p', '0', '-U', String(await freePort())],
  ]) {
    const port = await freePort()
    await using server = start([...listen, '--admin', String(port)])
    await expect
      .poll(() =>
        askHttp(port, '/readyz').then(
          ({ status }) => status,
          () => server.stderr(),
        ),
      )
      .toBe(200)
  }
})

describe('who may ask for what', () => {
  test('without a token file nobody may change anything', async () => {
    await using admin = await startAdminNode()
    const headers = { authorization: `Bearer ${TOKEN}` }
    const { status, body } = await admin.ask('/invalidate', { method: 'POST', headers })
    expect([status, body]).toEqual([
      403,
      'nobody may: the server was started without --admin-token-file\n',
    ])
  })

  test('with one, who has the token may', async () => {
    await using admin = await startAdminNode({ args: ['--admin-token-file', tokenFile] })
    const ask = (authorization: string) =>
      admin.ask('/invalidate', {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{"prefix": ""}',
      })
    for (const wrong of ['', 'Bearer', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
      const { status, headers } = await ask(wrong)
      expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer realm="memshard"'])
    }
    expect(await ask(`Bearer ${TOKEN}`)).toMatchObject({
      status: 400,
      body: 'a prefix has 1 to 250 bytes\n',
    })
  })

  test('what is under a prefix is gone at once, and nothing else', async () => {
    await using admin = await startAdminNode({ args: ['--admin-token-file', tokenFile] })
    await using wire = await Wire.connect(admin.node)
    for (const key of ['user:1', 'user:2', 'usual', 'grün:1']) {
      await wire.ask(Buffer.from(`set ${key} 0 0 1\r\nx\r\n`))
    }
    const invalidate = (type: string, body: string) =>
      admin.ask('/invalidate', {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type },
        body,
      })
    expect(await invalidate('application/x-www-form-urlencoded', 'prefix=user%3A')).toMatchObject({
      status: 200,
      body: '{"prefix":"user:","answer":"OK"}',
    })
    expect((await invalidate('application/json', '{"prefix":"gr\u00fcn"}')).status).toBe(200)
    expect(await wire.say(Buffer.from('get user:1 user:2 grün:1 usual\r\n'))).toBe(
      'VALUE usual 0 1\r\nx\r\nEND\r\n',
    )
  })

  test('where nothing may be flushed (-F), no prefix may be invalidated', async () => {
    await using admin = await startAdminNode({ args: ['-F', '--admin-token-file', tokenFile] })
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
    const asked = { method: 'POST', headers, body: '{"prefix":"user:"}' }
    expect(await admin.ask('/invalidate', asked)).toMatchObject({
      status: 400,
      body: 'invalidate_prefix not allowed\n',
    })
  })

  test('SIGHUP takes another token, and none that can’t be one', async () => {
    const file = join(folder, 'changing')
    writeFileSync(file, 'the-first-token-there-is')
    await using admin = await startAdminNode({ args: ['--admin-token-file', file] })
    const status = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` }
      return (await admin.ask('/invalidate', { method: 'POST', headers })).status
    }
    expect(await status('the-first-token-there-is')).toBe(415)
    writeFileSync(file, 'the-second-token-there-is')
    admin.node.process.kill('SIGHUP')
    await expect.poll(() => status('the-second-token-there-is')).toBe(415)
    expect(await status('the-first-token-there-is')).toBe(401)
    writeFileSync(file, 'short')
    admin.node.process.kill('SIGHUP')
    await expect.poll(() => admin.node.output()).toContain('at least 16')
    expect(await status('the-second-token-there-is')).toBe(415)
  })

  test('a page for this machine is asked by it alone, and by no other site', async () => {
    await using admin = await startAdminNode()
    for (const [status, path, asked] of REQUESTS) {
      expect((await admin.ask(path, asked)).status, JSON.stringify([path, asked])).toBe(status)
    }
    const foreign = { origin: 'https://evil.example' }
    expect((await admin.ask('/invalidate', { method: 'POST', headers: foreign })).status).toBe(403)
  })

  test('one for others is called as they like', async () => {
    const port = await freePort()
    await using node = await startNode({ args: ['--admin', `*:${port}`] })
    const { status } = await askHttp(port, '/metrics', { headers: { host: 'cache-0.cache:9150' } })
    expect(status).toBe(200)
    expect(node.pid).toBeGreaterThan(0)
  })
})

describe('no request harms the node', () => {
  test('what is not there, or not so, is said', async () => {
    await using admin = await startAdminNode({ args: ['--admin-token-file', tokenFile] })
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
    const form = 'application/x-www-form-urlencoded'
    const said = async (path: string, options = {}) => (await admin.ask(path, options)).status
    expect(await said('/invalidate')).toBe(405)
    const post = { method: 'POST', headers }
    expect(await said('/invalidate', { ...post, body: '{' })).toBe(400)
    expect(await said('/invalidate', { ...post, body: 'null' })).toBe(400)
    expect(await said('/invalidate', { ...post, body: '{"prefix": 1}' })).toBe(400)
    for (const prefix of ['a b', 'a\r\nflush_all', '\0', 'x'.repeat(251)]) {
      const body = JSON.stringify({ prefix })
      expect(await said('/invalidate', { ...post, body }), prefix).toBe(400)
    }
    const big = 'x'.repeat(5000)
    expect(await said('/invalidate', { ...post, body: big })).toBe(413)
    const asForm = { ...post, headers: { ...headers, 'content-type': form } }
    expect(await said('/invalidate', { ...asForm, body: 'other=1' })).toBe(400)
    expect(await said('/readyz')).toBe(200)
  })

  test('HEAD is a GET without the body', async () => {
    await using admin = await startAdminNode()
    const { status, body, headers } = await admin.ask('/metrics', { method: 'HEAD' })
    expect([status, body]).toEqual([200, ''])
    expect(Number(headers['content-length'])).toBeGreaterThan(1000)
  })

  test('noise, half requests, floods of headers and of connections', async () => {
    await using admin = await startAdminNode()
    await survivesNoise(admin.port)
  })

  test('the cache serves meanwhile, and the answers have no way in for others', async () => {
    await using admin = await startAdminNode()
    const { headers } = await admin.ask('/metrics')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['access-control-allow-origin']).toBeUndefined()
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    await using wire = await Wire.connect(admin.node)
    expect(await wire.say('set a 0 0 1\r\nx\r\n')).toBe('STORED\r\n')
  })
})

describe('at the start', () => {
  const refusal = async (...args: readonly string[]): Promise<string> => {
    await using server = start(args)
    expect(await server.exited).not.toBe(0)
    return server.stderr()
  }

  test('nonsense is refused', async () => {
    expect(await refusal('--admin', 'nowhere')).toMatch(/^The admin address \(--admin\) must be /)
    expect(await refusal('--admin-token-file', tokenFile)).toMatch(/give --admin too/)
    const port = String(await freePort())
    const here = ['-l', '127.0.0.1', '-p', '-1', '--admin', port]
    expect(await refusal(...here, '--admin-token-file', join(folder, 'none'))).toMatch(/ENOENT/)
    writeFileSync(join(folder, 'short'), 'short\n')
    expect(await refusal(...here, '--admin-token-file', join(folder, 'short'))).toMatch(
      /at least 16 printable characters/,
    )
  })

  test.each(TRANSPORTS)('a taken port ends it with a message, over %s', async (transport) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const said = await refusal(
      ...['--transport', transport, '-l', '127.0.0.1', '-p', '-1', '--admin', String(port)],
    )
    taken.close()
    expect(said).toBe(
      `can't open the admin port (--admin 127.0.0.1:${port}): listen EADDRINUSE: address already in use 127.0.0.1:${port}; give it another address\n`,
    )
  })

  test('without the flag nothing of it is loaded', async () => {
    const port = await freePort()
    const probe = `
      const { Module } = require('node:module')
      const load = Module._load
      process.on('SIGUSR2', () => {
        const loaded = Object.keys(require.cache).some((file) => /prom-client|admin-serv/.test(file))
        process.stdout.write(loaded ? 'loaded' : 'not loaded')
      })`
    const file = join(folder, 'probe.cjs')
    writeFileSync(file, probe)
    const identity = process.getuid?.() === 0 ? ['-u', 'root'] : []
    const argv = ['-r', file, MEMSHARD_SERVER, ...identity, '-l', '127.0.0.1', '-p', String(port)]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    try {
      await using _ = await served({ host: '127.0.0.1', port })
      const said = once(child.stdout, 'data')
      child.kill('SIGUSR2')
      expect(String((await said)[0])).toBe('not loaded')
    } finally {
      child.kill('SIGKILL')
      await exited
    }
  })
})
