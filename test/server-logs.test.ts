// What a server logs of connections and requests, level by level: one JSON object a line, with the peer and the reason,
// and never a value. A flood of bad clients fills neither the log nor memory.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority } from './certificates.ts'
import { freePort, MEMSHARD_SERVER, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { type Started, start } from './processes.ts'
import { TRANSPORTS } from './transports.ts'
import { Wire } from './wire.ts'

const DEADLINE_MS = 60_000
const SECRET = 'a-value-that-nobody-may-read'

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

interface Line {
  readonly level: string
  readonly msg: string
  readonly peer?: string
  readonly reason?: string
  readonly detail?: string
  readonly suppressed?: number
}

/** Every line is an object; fails if one is not. */
function lines(node: Pick<RunningNode, 'output'>): Line[] {
  const text = node.output()
  const complete = text.slice(0, text.lastIndexOf('\n') + 1)
  return complete
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
}

/** Connects, sends and waits until the server hangs up; resolves to the peer as the log names it. */
async function send(node: RunningNode, bytes: string): Promise<string> {
  const socket = connect(node.port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  const peer = `127.0.0.1:${socket.localPort}`
  socket.write(Buffer.from(bytes, 'latin1'))
  // With a reset too, when it was not all read.
  await new Promise((resolve) => socket.resume().once('close', resolve))
  return peer
}

/** Resolves to the line about a peer with that message. */
async function lineAbout(node: RunningNode, peer: string, msg: string): Promise<Line> {
  const find = (): Line | undefined =>
    lines(node).find((line) => line.peer === peer && line.msg === msg)
  await expect.poll(find, { timeout: 20_000 }).toBeDefined()
  return find()!
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  const args = ['-t', '2', '--transport', transport]

  test('without -v nothing is said of what clients do', async () => {
    await using node = await startNode({ args })
    await send(node, 'GET / HTTP/1.1\r\n')
    await send(node, 'x'.repeat(5_000))
    await using wire = await Wire.connect(node)
    expect(await wire.say('version\r\n')).toMatch(/^VERSION/)
    expect(node.output()).toBe('')
  })

  test('-v: connections that fail, with the peer and the reason', {
    timeout: DEADLINE_MS,
  }, async () => {
    await using node = await startNode({ args: [...args, '-v', '-c', '5'] })
    await using wire = await Wire.connect(node)
    const alone = async (): Promise<void> =>
      expect.poll(() => wire.say('stats\r\n')).toContain('curr_connections 1\r\n')
    for (const [bytes, reason] of [
      ['GET / HTTP/1.1\r\n', 'an HTTP request'],
      [SECRET.repeat(200), 'a line without an end'],
      [
        `\x80\x0a${'\0'.repeat(22)}\x81nothing`.padEnd(60, '\0'),
        'no packet of the binary protocol',
      ],
    ] as const) {
      const line = await lineAbout(node, await send(node, bytes), 'connection failed')
      expect(line).toMatchObject({ level: 'info', reason })
    }
    await alone()
    const others = await Promise.all(Array.from({ length: 4 }, () => Wire.connect(node)))
    await expect.poll(() => wire.say('stats\r\n')).toContain('curr_connections 5\r\n')
    const refused = await lineAbout(node, await send(node, ''), 'connection refused')
    expect(refused.reason).toBe('too many connections (-c)')
    for (const other of others) other.destroy()
    // Who comes, asks and goes has done nothing wrong.
    expect(lines(node).filter(({ msg }) => /opened|closed/.test(msg))).toEqual([])
    expect(node.output()).not.toContain(SECRET)
  })

  test('-vv: each connection, as it comes and as it goes', { timeout: DEADLINE_MS }, async () => {
    await using node = await startNode({ args: [...args, '-vv', '-o', 'idle_timeout=1'] })
    const peer = await send(node, `set a 0 0 ${SECRET.length}\r\n${SECRET}\r\nget a\r\nquit\r\n`)
    expect((await lineAbout(node, peer, 'connection opened')).level).toBe('debug')
    expect((await lineAbout(node, peer, 'connection closed')).reason).toBe('normal')
    const idle = await lineAbout(node, await send(node, 'version\r\n'), 'connection closed')
    expect(idle.reason).toBe('idle_timeout')
    expect(node.output()).not.toContain(SECRET)
  })

  test('-vvv: each request, with its key and without its value', {
    timeout: DEADLINE_MS,
  }, async () => {
    await using node = await startNode({ args: [...args, '-vvv'] })
    await using wire = await Wire.connect(node)
    await wire.say(`set a%key 0 0 ${SECRET.length}\r\n${SECRET}\r\nget a%key\r\n`)
    await expect.poll(() => node.output()).toMatch(/item_store key=a%25key status=stored/)
    await expect.poll(() => node.output()).toMatch(/item_get key=a%25key status=found/)
    expect(lines(node).length).toBeGreaterThan(2)
    expect(node.output()).not.toContain(SECRET)
  })

  test('the command verbosity changes it, and back', { timeout: DEADLINE_MS }, async () => {
    await using node = await startNode({ args })
    await using wire = await Wire.connect(node)
    const sent = new Set<string>()
    const anyLogged = async (): Promise<boolean> => {
      sent.add(await send(node, 'GET / HTTP/1.1\r\n'))
      return lines(node).some(({ peer = '' }) => sent.has(peer))
    }
    await wire.say('verbosity 1\r\n')
    await expect.poll(anyLogged, { timeout: 20_000 }).toBe(true)
    await wire.say('verbosity 0\r\n')
    const silent = await send(node, 'GET / HTTP/1.1\r\n')
    // Lines come in order: when a later one is there, it would be.
    await wire.say('verbosity 1\r\n')
    sent.clear()
    await expect.poll(anyLogged, { timeout: 20_000 }).toBe(true)
    expect(lines(node).filter(({ peer }) => peer === silent)).toEqual([])
  })

  test('a flood of bad clients is a few lines, and how many more there were', {
    timeout: DEADLINE_MS,
  }, async () => {
    await using node = await startNode({ args: [...args, '-v'] })
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 50 }, () => send(node, 'GET / HTTP/1.1\r\n')))
    }
    await expect
      .poll(() => lines(node).reduce((sum, { suppressed = 0 }) => sum + suppressed, 0), {
        timeout: 20_000,
      })
      .toBeGreaterThan(300)
    expect(lines(node).filter(({ msg }) => msg === 'connection failed').length).toBeLessThan(600)
  })
})

test('a login that failed is said, with neither name nor password', async () => {
  const users = join(directory, 'users')
  writeFileSync(users, 'web:right\n', { mode: 0o600 })
  await using node = await startNode({ args: ['-v', '-Y', users] })
  const token = `user-name ${SECRET}`
  const peer = await send(node, `set x 0 0 ${token.length}\r\n${token}\r\n`.repeat(16))
  expect((await lineAbout(node, peer, 'connection failed')).reason).toBe('wrong user or password')
  expect(node.output()).not.toContain('user-name')
  expect(node.output()).not.toContain(SECRET)
})

test('a handshake that failed is said, with what OpenSSL says of it', async ({ skip }) => {
  const reason = missing('openssl')
  skip(reason !== undefined, reason)
  using authority = createAuthority()
  const { certPath, keyPath } = authority.issue('IP:127.0.0.1')
  const files = `ssl_chain_cert=${certPath},ssl_key=${keyPath}`
  await using node = await startNode({ args: ['-v', '-Z', '-o', files] })
  const line = await lineAbout(node, await send(node, 'get a\r\n'), 'connection failed')
  expect(line).toMatchObject({ reason: 'the TLS handshake failed', detail: expect.any(String) })
})

describe('a server that anybody can reach', () => {
  test('says so, loudly and once, whatever -l says', async () => {
    await using server = start(['-p', '-1', '-l', '0.0.0.0'])
    await expect.poll(() => server.stdout(), { timeout: 20_000 }).toMatch(/ANYBODY .*0\.0\.0\.0/)
    expect(server.stdout().match(/ANYBODY/g)).toHaveLength(1)
  })

  test('is silent where that is said to be meant', async () => {
    await using server = start(['-p', '-1', '-l', '0.0.0.0', '--trusted-network', '-v'])
    await expect.poll(() => server.stdout(), { timeout: 20_000 }).toContain('serving')
    expect(server.stdout()).not.toContain('ANYBODY')
  })
})

describe("in systemd's journal, which the environment names", () => {
  /** One of its streams is the journal. */
  function journalled(fd: 1 | 2, ...argv: string[]): Started {
    const script = `JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/${fd}) exec "$@"`
    return start(['-c', script, 'sh', MEMSHARD_SERVER, '-u', 'root', ...argv], {
      executable: 'sh',
      asRoot: false,
    })
  }

  test('each line has its priority in front', async () => {
    const port = await freePort()
    await using server = journalled(1, '-v', '-p', String(port))
    await expect.poll(server.stdout, { timeout: 20_000 }).toMatch(/"serving"/)
    const [warning = '', ...others] = server.stdout().trimEnd().split('\n')
    expect(warning).toMatch(/^<4>\{"level":"warn",/)
    expect(others.length).toBeGreaterThan(0)
    for (const line of others) expect(line).toMatch(/^<6>\{"level":"info",.*\}$/)
    server.process.kill('SIGTERM')
    expect(await server.exited).toBe(0)
  })

  test('a reason not to start is an error', async () => {
    await using refused = journalled(2, '--nonsense')
    expect(await refused.exited).not.toBe(0)
    expect(refused.stderr()).toMatch(/^<3>\S/)
    await using failing = journalled(2, '-e', '/nonexistent/items')
    expect(await failing.exited).toBe(71)
    expect(failing.stderr()).toMatch(/^<3>can't open/)
  })

  test('a pipe of another is none', async () => {
    await using refused = journalled(1, '--nonsense')
    expect(await refused.exited).not.toBe(0)
    expect(refused.stderr()).toMatch(/^[^<]/)
  })
})
