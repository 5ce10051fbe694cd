// TLS and logging in in front of `memshard proxy`: real clients, who gets in by which certificate or password, what SIGHUP
// changes of that, and what is warned of.
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { AuthError, Client } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askHttp } from './admin-node.ts'
import { type Authority, type Certificate, createAuthority } from './certificates.ts'
import { FAILURE, LOGIN_SESSIONS, login } from './login-sessions.ts'
import { parseMetrics } from './metrics-text.ts'
import { type RunningNode, startNode } from './nodes.ts'
import { packet, readAnswers } from './packets.ts'
import { missing, PYTHON } from './peers.ts'
import { type RunningProxy, startProxy } from './proxying.ts'
import { type Outcome, opensslSession, run, runSasl, SASL_CLIENTS } from './secure-scripts.ts'
import { Wire } from './wire.ts'

const noOpenssl = missing('openssl')
const DEADLINE_MS = 60_000
const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }

let node: RunningNode
let directory: string
let authority: Authority
let stranger: Authority
let certificate: Certificate
let users: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  users = join(directory, 'users')
  writeFileSync(users, 'foo:bar\nbaaaz:quux\n')
  node = await startNode({ args: ['-t', '1'] })
  if (noOpenssl !== undefined) return
  authority = createAuthority()
  stranger = createAuthority()
  certificate = authority.issue('DNS:localhost,IP:127.0.0.1')
})
afterAll(async () => {
  await node?.stop('SIGKILL')
  authority?.[Symbol.dispose]()
  stranger?.[Symbol.dispose]()
  rmSync(directory, { recursive: true })
})

const pools = (): string => `pools: { main: { nodes: [${node.address}], timeout: 10000 } }\n`

/** One listener with TLS; further entries of `tls`, and of the file. */
function secure(tls = '', more = '', { certPath, keyPath } = certificate): string {
  const entries = `cert: ${certPath}, key: ${keyPath}${tls}`
  return `listen: [{ address: 127.0.0.1:0, tls: { ${entries} } }]\n${more}\n${pools()}`
}

const guarded = (file = users): string => `listen: 127.0.0.1:0\nusers: ${file}\n${pools()}`

const trusting = (): ConnectionOptions => ({ ca: authority.ca })

/** Whether a client with these options is served, in the end: with TLS 1.3 a refusal comes after the handshake. */
async function isServed(port: number, options: ConnectionOptions): Promise<boolean> {
  const socket = connectTls({ port, host: '127.0.0.1', ...trusting(), ...options })
  socket.on('error', () => {})
  socket.write('version\r\n')
  const [data] = await Promise.race([
    once(socket, 'data').catch(() => []),
    once(socket, 'close').catch(() => []),
  ])
  socket.destroy()
  return data instanceof Buffer && data.toString('latin1').startsWith('VERSION')
}

describe.skipIf(noOpenssl)('over TLS', () => {
  test('openssl s_client, a client that says all at once, and values of a megabyte', async () => {
    await using proxy = await startProxy({ yaml: secure() })
    const output = await opensslSession(proxy, authority.caPath)
    expect(output).toBe('STORED\r\nVALUE s 0 5\r\nvalue\r\nEND\r\n')

    await using wire = await Wire.secure(proxy, trusting())
    const value = 'x'.repeat(1_000_000)
    const each = `VALUE large 0 ${value.length}\r\n${value}\r\nEND\r\n`
    wire.send(`set large 0 0 ${value.length}\r\n${value}\r\n${'get large\r\n'.repeat(20)}`)
    const expected = `STORED\r\n${each.repeat(20)}`
    expect((await wire.read(expected.length)).toString('latin1') === expected).toBe(true)
  })

  test('pymemcache, also with a certificate of its own; and who trusts another authority, not', {
    timeout: DEADLINE_MS,
  }, async ({ skip }) => {
    const reason = missing('pymemcache')
    skip(reason !== undefined, reason)
    for (const [tls, own] of [
      ['', []],
      [`, ca: ${authority.caPath}`, [certificate.certPath, certificate.keyPath]],
    ] as const) {
      await using proxy = await startProxy({ yaml: secure(tls) })
      const by = (ca: string): Promise<Outcome> =>
        run(PYTHON, 'pymemcache_secure.py', ['localhost', String(proxy.port), ca, ...own])
      expect(await by(authority.caPath)).toMatchObject({ same: true })
      expect(await by(stranger.caPath)).toMatchObject({ same: false })
    }
  })

  test('dalli, with SASL and without', { timeout: DEADLINE_MS }, async ({ skip }) => {
    const reason = missing('dalli')
    skip(reason !== undefined, reason)
    for (const more of ['', `users: ${users}`]) {
      await using proxy = await startProxy({ yaml: secure('', more) })
      const by = (MEMCACHE_PASSWORD: string): Promise<Outcome> =>
        run('ruby', 'dalli_secure.rb', [`localhost:${proxy.port}`, authority.caPath], {
          ...(more !== '' && { MEMCACHE_USERNAME: 'foo', MEMCACHE_PASSWORD }),
        })
      expect(await by('bar')).toMatchObject({ same: true })
      if (more !== '') expect(await by('wrong')).toMatchObject({ same: false })
    }
  })

  test('ours, by SASL and by the login of the text protocol', async () => {
    await using proxy = await startProxy({ yaml: secure('', `users: ${users}`) })
    for (const protocol of ['binary', 'meta'] as const) {
      const options = { nodes: [proxy.address], protocol, tls: trusting(), ...PATIENT }
      await using cache = new Client({ ...options, auth: { username: 'foo', password: 'bar' } })
      expect(await cache.set('k', 'v')).toBe(true)
      expect(await cache.get('k')).toBe('v')
      await using guesser = new Client({ ...options, auth: { username: 'foo', password: 'bat' } })
      await expect(guesser.get('k')).rejects.toThrow(AuthError)
    }
  })

  test('who has no certificate, another’s, or an old version is not served', async () => {
    await using mutual = await startProxy({ yaml: secure(`, ca: ${authority.caPath}`) })
    const own = { cert: certificate.cert, key: certificate.key }
    const foreign = stranger.issue('DNS:localhost')
    expect(await isServed(mutual.port, own)).toBe(true)
    expect(await isServed(mutual.port, {})).toBe(false)
    expect(await isServed(mutual.port, { cert: foreign.cert, key: foreign.key })).toBe(false)

    const optional = `, ca: ${authority.caPath}, clientCertificates: optional`
    await using lenient = await startProxy({ yaml: secure(`${optional}, minVersion: 1.3`) })
    expect(await isServed(lenient.port, {})).toBe(true)
    expect(await isServed(lenient.port, { maxVersion: 'TLSv1.2' })).toBe(false)
    await using usual = await startProxy({ yaml: secure() })
    expect(await isServed(usual.port, { maxVersion: 'TLSv1.2' })).toBe(true)
    const old = {
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    } as const
    expect(await isServed(usual.port, old)).toBe(false)
  })

  test('who speaks none is cut off and counted; those who shake hands have places among maxConnections', async () => {
    await using proxy = await startProxy({ yaml: secure('', 'maxConnections: 2\nadmin: 0') })
    await using clear = await Wire.connect(proxy)
    clear.send('version\r\n')
    await clear.readToEnd()
    const counted = async (): Promise<number | undefined> => {
      const { body } = await askHttp(proxy.adminPort(), '/metrics')
      return parseMetrics(body).get('memshard_proxy_tls_errors_total')?.samples[0]?.value
    }
    await expect.poll(counted).toBe(1)

    const silent = [0, 1].map(() => connect(proxy.port, '127.0.0.1').on('error', () => {}))
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    await expect.poll(() => isServed(proxy.port, {})).toBe(false)
    for (const socket of silent) socket.destroy()
    // Well before the ten seconds that a handshake may take.
    await expect.poll(() => isServed(proxy.port, {}), { timeout: 7_000 }).toBe(true)
    // One that never says anything doesn't hold up the end.
    const waiting = connect(proxy.port, '127.0.0.1').on('error', () => {})
    await once(waiting, 'connect')
    expect(await proxy.stop()).toBe(0)
    waiting.destroy()
  })

  test('SIGHUP takes other certificates for those who come, and none that can’t be used', async () => {
    const second = stranger.issue('DNS:localhost,IP:127.0.0.1')
    const certPath = join(directory, 'cert.pem')
    const keyPath = join(directory, 'key.pem')
    const use = (from: Certificate): void => {
      copyFileSync(from.certPath, certPath)
      copyFileSync(from.keyPath, keyPath)
    }
    use(certificate)
    const yaml = secure('', '', { ...certificate, certPath, keyPath })
    await using proxy = await startProxy({ yaml })
    await using wire = await Wire.secure(proxy, trusting())
    const byStranger = { ca: stranger.ca }
    expect(await isServed(proxy.port, byStranger)).toBe(false)

    use(second)
    await proxy.reload(yaml)
    expect(await isServed(proxy.port, byStranger)).toBe(true)
    expect(await isServed(proxy.port, {})).toBe(false)
    expect(await wire.say('get none\r\n')).toBe('END\r\n')

    copyFileSync(certificate.keyPath, keyPath)
    expect(await proxy.reload(yaml)).toMatch(/listen\[0\]\.tls can't be used: .* stays as it was/)
    expect(await isServed(proxy.port, byStranger)).toBe(true)

    // The listener stays where it is, with TLS and without.
    const clear = yaml.replace(/, tls: \{.*?\}/, '')
    await proxy.reload(clear)
    await using plain = await proxy.connect()
    expect(await plain.say('get none\r\n')).toBe('END\r\n')
    await proxy.reload(secure())
    expect(await isServed(proxy.port, {})).toBe(true)
    expect(await wire.say('get none\r\n')).toBe('END\r\n')
  })
})

describe('by the login of the text protocol', () => {
  let proxy: RunningProxy
  beforeAll(async () => {
    proxy = await startProxy({ yaml: guarded() })
  })
  afterAll(() => proxy?.[Symbol.asyncDispose]())

  test.each(Object.entries(LOGIN_SESSIONS))('as memcached: %s', async (_, steps) => {
    await using admin = await Wire.connect(node)
    await admin.say('flush_all\r\n')
    await using wire = await proxy.connect()
    for (const [sent, answer] of steps) {
      wire.send(sent)
      expect((await wire.read(answer.length)).toString('latin1'), sent).toBe(answer)
    }
  })

  test('cut anywhere, and with commands behind it', async () => {
    const session = `get a\r\n${login('foo ba')}${login('foo bar')}set a 0 0 1\r\nx\r\nget a\r\n`
    const answers = `CLIENT_ERROR unauthenticated\r\n${FAILURE}STORED\r\nSTORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n`
    for (let at = 0; at < session.length; at += 3) {
      await using wire = await proxy.connect()
      wire.send(session.slice(0, at))
      await wire.sent()
      wire.send(session.slice(at))
      expect((await wire.read(answers.length)).toString('latin1'), `cut at ${at}`).toBe(answers)
    }
  })

  test('who guesses 16 times wrong has to connect anew', async () => {
    await using wire = await proxy.connect()
    wire.send(login('foo wrong').repeat(100))
    expect((await wire.readToEnd()).toString('latin1')).toBe(FAILURE.repeat(16))
  })

  test('lines and tokens without an end are no way in, nor a way to take memory', async () => {
    await using endless = await proxy.connect()
    endless.send('x'.repeat(10_000))
    expect((await endless.readToEnd()).length).toBe(0)
    await using large = await proxy.connect()
    large.send(`set any 0 0 100000\r\n${'x'.repeat(100_000)}\r\n${login('foo bar')}`)
    const answers = 'CLIENT_ERROR auth token too long\r\nSTORED\r\n'
    expect((await large.read(answers.length)).toString('latin1')).toBe(answers)
    await using http = await proxy.connect()
    http.send('\r\n')
    expect((await http.readToEnd()).length).toBe(0)
  })

  test('is counted in stats', async () => {
    await using wire = await proxy.connect()
    wire.send(login('foo bar'))
    await wire.readUntil('STORED\r\n')
    expect(await wire.say('stats reset\r\n')).toBe('RESET\r\n')
    await using guesser = await proxy.connect()
    guesser.send(login('baaaz bar'))
    await guesser.readUntil(FAILURE)
    expect(await wire.say('stats\r\n')).toMatch(/STAT auth_cmds 1\r\nSTAT auth_errors 1\r\n/)
  })
})

test('SIGHUP lets in who is in the file by now; a file that can’t be one changes nothing', async () => {
  const file = join(directory, 'changing')
  writeFileSync(file, 'foo:bar\n')
  await using proxy = await startProxy({ yaml: guarded(file) })
  const answerTo = async (text: string): Promise<string> => {
    await using wire = await proxy.connect()
    wire.send(login(text))
    return (await wire.readUntil('\r\n')).toString('latin1')
  }
  await using inside = await proxy.connect()
  inside.send(login('foo bar'))
  await inside.readUntil('STORED\r\n')

  writeFileSync(file, 'new:one\n')
  await proxy.reload(guarded(file))
  expect(await answerTo('new one')).toBe('STORED\r\n')
  expect(await answerTo('foo bar')).toBe(FAILURE)
  expect(await inside.say('get none\r\n')).toBe('END\r\n')

  writeFileSync(file, 'nonsense\n')
  expect(await proxy.reload(guarded(file))).toMatch(
    /users can't be: line 1 must be user:password.* stays as it was/,
  )
  expect(await answerTo('new one')).toBe('STORED\r\n')
})

describe('by SASL', () => {
  let proxy: RunningProxy
  beforeAll(async () => {
    proxy = await startProxy({ yaml: guarded() })
  })
  afterAll(() => proxy?.[Symbol.asyncDispose]())

  test.for(SASL_CLIENTS)('$peer', { timeout: DEADLINE_MS }, async (client, { skip }) => {
    const reason = missing(client.peer)
    skip(reason !== undefined, reason)
    const by = (password: string): Promise<Outcome> => runSasl(client, proxy, 'foo', password)
    expect(await by('bar')).toMatchObject({ same: true })
    expect(await by('wrong')).toMatchObject({ same: false })
  })

  const statuses = async (...requests: readonly Uint8Array[]): Promise<readonly number[]> => {
    await using wire = await proxy.connect()
    for (const request of requests) wire.send(request)
    wire.send(packet('quit'))
    return readAnswers(await wire.readToEnd()).answers.map(({ status }) => status)
  }
  const plain = (value: string) => packet('saslAuthenticate', { key: 'PLAIN', value })

  test('mechanisms are listed, and the version told, before anybody has logged in', async () => {
    await using wire = await proxy.connect()
    wire.send(packet('saslListMechanisms'))
    wire.send(packet('version'))
    wire.send(packet('get', { key: 'a' }))
    const { answers: told } = readAnswers(await wire.readToEnd())
    expect(told.map(({ status, value }) => [status, value])).toEqual([
      [0, 'PLAIN'],
      [0, '1.6.45'],
      [0x20, 'Auth failure.'],
    ])
  })

  test('a message is <on whose behalf> NUL <user> NUL <password>, whole or after a step', async () => {
    const get = packet('get', { key: 'none' })
    expect(await statuses(plain('\0foo\0bar'), get)).toEqual([0, 1, 0])
    expect(await statuses(plain('foo\0foo\0bar'), get)).toEqual([0, 1, 0])
    const step = packet('saslStep', { key: 'PLAIN', value: '\0foo\0bar' })
    expect(await statuses(plain(''), step, get)).toEqual([0x21, 0, 1, 0])
    const wrong = [
      'baaaz\0foo\0bar',
      '\0foo\0ba',
      '\0foo\0barr',
      'foo\0bar',
      '\0foo\0bar\0',
      '\0\0',
    ]
    for (const message of wrong) {
      expect(await statuses(plain(message), get), JSON.stringify(message)).toEqual([0x20, 0x20])
    }
    const other = packet('saslAuthenticate', { key: 'CRAM-MD5', value: '\0foo\0bar' })
    expect(await statuses(step, other, plain('\0foo\0bar'), get)).toEqual([0x20, 0x20, 0, 1, 0])
    expect(await statuses(plain(`\0foo\0${'x'.repeat(10_000)}`))).toEqual([0x20])
  })

  test('who guesses 16 times wrong has to connect anew', async () => {
    const guesses = Array.from({ length: 30 }, () => plain('\0foo\0wrong'))
    expect(await statuses(...guesses)).toEqual(Array(16).fill(0x20))
  })
})

describe('where anybody may reach it', () => {
  const everywhere = (rest: string): string =>
    `listen: [127.0.0.1:0, { address: '0.0.0.0:0'${rest} }]\n${pools()}`
  const WARNING = /WARNING: 0\.0\.0\.0 may be reached from outside/

  test.skipIf(noOpenssl)(
    'it warns, unless clients have to log in or to have certificates',
    async () => {
      const { certPath, keyPath } = certificate
      const tls = `, tls: { cert: ${certPath}, key: ${keyPath} }`
      const mutual = tls.replace(' }', `, ca: ${authority.caPath} }`)
      await using proxy = await startProxy({ yaml: everywhere('') })
      expect(proxy.output()).toMatch(WARNING)
      expect(await proxy.reload(everywhere(tls))).toMatch(WARNING)
      expect(await proxy.reload(everywhere(mutual))).not.toMatch(WARNING)
      expect(await proxy.reload(`users: ${users}\n${everywhere('')}`)).not.toMatch(WARNING)
      expect(await proxy.reload(guarded().replace(/users.*\n/, ''))).not.toMatch(WARNING)
    },
  )
})

test.skipIf(noOpenssl)('what is wrong in the file is told with its line', async () => {
  const { certPath, keyPath } = certificate
  const refusal = async (text: string): Promise<string> => {
    const started = startProxy({ yaml: `${text}\n${pools()}` })
    const error = await started.then(
      async (proxy) => {
        await proxy.stop('SIGKILL')
        return new Error('it started')
      },
      (reason: Error) => reason,
    )
    return error.message
  }
  const listen = (tls: string, address = '127.0.0.1:0'): string =>
    `listen:\n  - { address: ${address}, tls: ${tls} }`
  for (const [text, message] of [
    [listen('{ key: x }'), /:2: listen\[0\]\.tls has no cert/],
    [listen('{ cert: none.pem }'), /:2: listen\[0\]\.tls\.cert can't be read: ENOENT/],
    [listen(`{ cert: ${certPath} }`), /:2: listen\[0\]\.tls can't be used: /],
    [listen(`{ cert: ${certPath}, key: ${keyPath}, minVersion: 1.1 }`), /must be 1\.2 or 1\.3/],
    [listen(`{ cert: ${certPath}, key: ${keyPath}, clientCertificates: optional }`), /needs ca/],
    [listen(`{ cert: ${certPath}, key: ${keyPath}, other: 1 }`), /:2: listen\[0\]\.tls\.other/],
    [listen(`{ cert: ${certPath}, key: ${keyPath} }`, '/tmp/x'), /:2: listen\[0\]\.tls is for TCP/],
    ['listen: 127.0.0.1:0\nusers: none', /:2: users can't be read: ENOENT/],
    ['listen: 127.0.0.1:0\nusers: /dev/null', /:2: users can't be: it names nobody/],
  ] as const) {
    expect(await refusal(text), text).toMatch(message)
  }
})
