// TLS of the server (`-Z`): who gets in by which certificate, on how many threads, how certificates are changed, and
// that limits, reports and the end of a connection are what they are without. Encryption itself is Node's.
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect as connectTls, type SecureVersion } from 'node:tls'
import { Client } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Authority, type Certificate, createAuthority } from './certificates.ts'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { MIB, residentBytes } from './process-memory.ts'
import { start } from './processes.ts'
import { opensslSession } from './secure-scripts.ts'
import { TRANSPORTS } from './transports.ts'
import { Wire } from './wire.ts'

const NAMES = 'DNS:localhost,IP:127.0.0.1'
const EX_USAGE = 64

const noOpenssl = missing('openssl')

let directory: string
let authority: Authority
let stranger: Authority
let certificate: Certificate

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  if (noOpenssl !== undefined) return
  authority = createAuthority()
  stranger = createAuthority()
  certificate = authority.issue(NAMES)
})
afterAll(() => {
  authority?.[Symbol.dispose]()
  stranger?.[Symbol.dispose]()
  rmSync(directory, { recursive: true })
})

/** The flags for TLS with this certificate. */
function tls({ certPath, keyPath }: Certificate, ...options: readonly string[]): string[] {
  return ['-Z', '-o', [`ssl_chain_cert=${certPath}`, `ssl_key=${keyPath}`, ...options].join(',')]
}

const trusting = (): ConnectionOptions => ({ ca: authority.ca })
const secure = (node: { readonly port: number }, options: ConnectionOptions = {}): Promise<Wire> =>
  Wire.secure(node, { ...trusting(), ...options })

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

async function reportOf(wire: Wire, what = ''): Promise<ReadonlyMap<string, string>> {
  const text = await wire.say(`stats ${what}\r\n`)
  return new Map(
    text
      .split('\r\n')
      .map((line) => [line.split(' ')[1] ?? '', line.split(' ').slice(2).join(' ')]),
  )
}

describe.skipIf(noOpenssl).each(TRANSPORTS)('over TLS, beside %s', (transport) => {
  let node: RunningNode
  let clearPort: number

  beforeAll(async () => {
    const port = await freePort()
    clearPort = await freePort()
    const args = ['-t', '3', '--transport', transport, ...tls(certificate)]
    node = await startNode({ port, args: ['-l', `notls:127.0.0.1:${clearPort}`, ...args] })
  })
  afterAll(() => node?.stop('SIGKILL'))

  test('openssl s_client talks to it', async () => {
    const output = await opensslSession(node, authority.caPath)
    expect(output).toBe('STORED\r\nVALUE s 0 5\r\nvalue\r\nEND\r\n')
  })

  test('every command is the same as in clear text, cut anywhere, and the other port sees what it did', async () => {
    await using clear = await Wire.connect({ host: '127.0.0.1', port: clearPort })
    await using wire = await secure(node)
    const session =
      'set a 1 0 2\r\nhi\r\nmg a v f\r\nmd n\r\nincr n 1\r\nbogus\r\nset n 0 0 1\r\n7\r\nincr n 1\r\n'
    await clear.say(session)
    const answers = await clear.say(session)
    expect(await wire.say(session)).toBe(answers)
    for (let at = 1; at < session.length; at += 7) {
      wire.send(session.slice(0, at))
      await wire.sent()
      expect(await wire.say(session.slice(at))).toBe(answers)
    }
    expect(await clear.say('get n\r\n')).toBe('VALUE n 0 1\r\n8\r\nEND\r\n')
  })

  test('values of all sizes, a pipeline of thousands, and a reader who takes his time', async () => {
    await using wire = await secure(node)
    const value = 'v'.repeat(1_000_000)
    await wire.say(`set large 0 0 ${value.length}\r\n${value}\r\n`)
    const answer = `VALUE large 0 ${value.length}\r\n${value}\r\nEND\r\n`
    wire.socket.pause()
    wire.send('get large\r\n'.repeat(20))
    wire.send('get nothing\r\n'.repeat(5_000))
    await sleep(100)
    wire.socket.resume()
    const expected = answer.repeat(20) + 'END\r\n'.repeat(5_000)
    expect((await wire.read(expected.length)).equals(Buffer.from(expected))).toBe(true)
  })

  test('connections are dealt out to all threads, and reports know each by its two ends', async () => {
    const wires = await Promise.all(Array.from({ length: 6 }, () => secure(node)))
    const report = await reportOf(wires[0]!, 'conns')
    for (const { socket } of wires) {
      const fd = [...report].find(([, value]) => value === `tcp:127.0.0.1:${socket.localPort}`)?.[0]
      expect(report.get(`${fd?.split(':')[0]}:listen_addr`)).toBe(`tcp:127.0.0.1:${node.port}`)
    }
    for (const wire of wires) wire.destroy()
  })

  test('who watches over TLS is told what happens on every thread', async () => {
    await using watcher = await secure(node)
    watcher.send('watch mutations connevents\r\n')
    expect((await watcher.read(4)).toString()).toBe('OK\r\n')
    await using clear = await Wire.connect({ host: '127.0.0.1', port: clearPort })
    await using other = await secure(node)
    await clear.say('set by-clear 0 0 1\r\nx\r\n')
    await other.say('set by-tls 0 0 1\r\nx\r\n')
    let lines = ''
    while (!/key=by-clear[\s\S]*key=by-tls/.test(lines)) lines += await watcher.read(1)
    expect(lines).toContain(`type=conn_new rip=127.0.0.1 rport=${other.socket.localPort}`)
    // A watcher who goes away frees his place.
    watcher.destroy()
    await expect.poll(async () => (await reportOf(clear)).get('log_watchers')).toBe('0')
  })

  test('settings and counts are those of memcached with TLS', async () => {
    await using wire = await secure(node)
    expect(Object.fromEntries(await reportOf(wire, 'settings'))).toMatchObject({
      ssl_enabled: 'yes',
      ssl_chain_cert: certificate.certPath,
      ssl_key: certificate.keyPath,
      ssl_verify_mode: '0',
      ssl_keyformat: '1',
      ssl_ciphers: 'NULL',
      ssl_ca_cert: 'NULL',
      ssl_wbuf_size: '16384',
      ssl_session_cache: 'no',
      ssl_kernel_tls: 'no',
      ssl_min_version: 'tlsv1.2',
      num_threads: '3',
    })
    const errors = async (): Promise<number> =>
      Number((await reportOf(wire)).get('ssl_handshake_errors'))
    const before = await errors()
    const lost = connect(node.port, '127.0.0.1').on('error', () => {})
    lost.write('get in-clear-text\r\n')
    await once(lost.resume(), 'close')
    expect(await errors()).toBe(before + 1)
    // Who only looks whether the port is open is no error.
    const probe = connect(node.port, '127.0.0.1')
    await once(probe, 'connect')
    probe.destroy()
    await wire.say('version\r\n')
    expect(await errors()).toBe(before + 1)
  })

  test('a graceful stop answers first what was asked', async () => {
    const port = await freePort()
    await using stopped = await startNode({
      port,
      args: ['-t', '2', '--transport', transport, ...tls(certificate)],
    })
    await using wire = await secure(stopped)
    await wire.say(`set big 0 0 500000\r\n${'b'.repeat(500_000)}\r\n`)
    wire.socket.pause()
    wire.send('get big\r\n'.repeat(10))
    await wire.sent()
    await sleep(200)
    const exit = stopped.stop('SIGUSR1')
    wire.socket.resume()
    const answers = await wire.readToEnd()
    expect(answers.length).toBe(
      10 * ('VALUE big 0 500000\r\n'.length + 500_000 + '\r\nEND\r\n'.length),
    )
    expect(await exit).toBe(0)
  })
})

describe.skipIf(noOpenssl)('limits over TLS', () => {
  test('a connection that does not shake hands counts among -c, and is closed in time', {
    timeout: 60_000,
  }, async () => {
    await using node = await startNode({ args: ['-c', '3', '-t', '2', ...tls(certificate)] })
    await using wire = await secure(node)
    const silent = [connect(node.port, '127.0.0.1'), connect(node.port, '127.0.0.1')]
    for (const socket of silent) socket.on('error', () => {})
    // The beginning of a handshake that never goes on.
    silent[1]!.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    await expect.poll(async () => (await reportOf(wire)).get('curr_connections')).toBe('3')
    const refused = connect(node.port, '127.0.0.1')
    const [text] = await once(refused, 'data')
    expect(String(text)).toBe('ERROR Too many open connections\r\n')

    await Promise.all(silent.map((socket) => socket.closed || once(socket.resume(), 'close')))
    await expect.poll(async () => (await reportOf(wire)).get('curr_connections')).toBe('1')
    await using next = await secure(node)
    expect(await next.say('version\r\n')).toMatch(/^VERSION/)
  })

  test('hundreds of handshakes that do not go on hold up nobody, and cost little', {
    timeout: 60_000,
  }, async () => {
    const count = 400
    await using node = await startNode({ args: ['-c', '500', '-t', '2', ...tls(certificate)] })
    await using wire = await secure(node)
    await wire.say('version\r\n')
    const before = residentBytes(node.pid)
    let closed = 0
    for (let i = 0; i < count; i++) {
      const socket = connect(node.port, '127.0.0.1').on('error', () => {})
      socket.once('connect', () => socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00])))
      socket.resume().once('close', () => closed++)
    }
    const connections = async (): Promise<string | undefined> =>
      (await reportOf(wire)).get('curr_connections')
    await expect.poll(connections, { timeout: 8_000 }).toBe(String(count + 1))
    expect((residentBytes(node.pid) - before) / count).toBeLessThan(MIB / 4)
    await using other = await secure(node)
    expect(await other.say('version\r\n')).toMatch(/^VERSION/)
    await expect.poll(connections, { timeout: 30_000, interval: 500 }).toBe('2')
    expect(closed).toBe(count)
    expect((await reportOf(wire)).get('ssl_handshake_errors')).toBe(String(count))
  })

  test('without maxconns_fast, who comes too late waits for a place', async () => {
    await using node = await startNode({
      args: ['-c', '2', '-t', '2', ...tls(certificate, 'no_maxconns_fast')],
    })
    const first = await secure(node)
    await using second = await secure(node)
    await second.say('version\r\n')
    const third = secure(node)
    await expect.poll(async () => (await reportOf(second)).get('accepting_conns')).toBe('0')
    first.destroy()
    await using wire = await third
    expect(await wire.say('version\r\n')).toMatch(/^VERSION/)
  })

  test('who is silent for longer than idle_timeout is closed', async () => {
    await using node = await startNode({ args: ['-t', '2', ...tls(certificate, 'idle_timeout=1')] })
    await using idle = await secure(node)
    await idle.say('version\r\n')
    await idle.readToEnd()
    await using wire = await secure(node)
    expect((await reportOf(wire)).get('idle_kicks')).not.toBe('0')
  })

  test.each<[string, SecureVersion]>([
    ['3', 'TLSv1.3'],
    ['2', 'TLSv1.2'],
  ])('ssl_min_version=%s lets nobody in below %s', async (number, least) => {
    await using node = await startNode({
      args: ['-t', '1', ...tls(certificate, `ssl_min_version=${number}`)],
    })
    expect(await isServed(node.port, { minVersion: least, maxVersion: least })).toBe(true)
    const below: SecureVersion = least === 'TLSv1.3' ? 'TLSv1.2' : 'TLSv1.1'
    const weak = { ciphers: 'DEFAULT@SECLEVEL=0' }
    expect(await isServed(node.port, { minVersion: below, maxVersion: below, ...weak })).toBe(false)
  })

  test('ssl_ciphers is what may be spoken', async () => {
    const cipher = 'ECDHE-ECDSA-AES256-GCM-SHA384'
    await using node = await startNode({ args: [...tls(certificate, `ssl_ciphers=${cipher}`)] })
    const wire = await Wire.secure(node, { ...trusting(), maxVersion: 'TLSv1.2' })
    expect(wire.socket.getCipher().name).toBe(cipher)
    wire.destroy()
    const other = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const
    expect(await isServed(node.port, other)).toBe(false)
  })

  test('with ssl_session_cache a session is resumed by any thread, else by none', async () => {
    for (const [options, resumed] of [
      [['ssl_session_cache'], true],
      [[], false],
    ] as const) {
      await using node = await startNode({ args: ['-t', '3', ...tls(certificate, ...options)] })
      const first = await Wire.secure(node, { ...trusting(), maxVersion: 'TLSv1.2' })
      const session = first.socket.getSession()
      const sessions = await reportOf(first)
      const reused: boolean[] = []
      for (let i = 0; i < 4; i++) {
        const again = await Wire.secure(node, { ...trusting(), maxVersion: 'TLSv1.2', session })
        reused.push(again.socket.isSessionReused())
        again.destroy()
      }
      expect(reused).toEqual(Array(4).fill(resumed))
      const after = await reportOf(first)
      expect(after.get('ssl_new_sessions')).toBe(sessions.get('ssl_new_sessions'))
      first.destroy()
    }
  })
})

describe.skipIf(noOpenssl)("clients' certificates", () => {
  const ours = (): ConnectionOptions => authority.issue(NAMES)
  const foreign = (): ConnectionOptions => stranger.issue(NAMES)

  test.each([
    ['ssl_verify_mode=0', { none: true, ours: true, foreign: true }],
    ['ssl_verify_mode=1', { none: true, ours: true, foreign: false }],
    ['ssl_verify_mode=2', { none: false, ours: true, foreign: false }],
    ['ssl_verify_mode=3', { none: false, ours: true, foreign: false }],
  ])('%s', async (mode, expected) => {
    const port = await freePort()
    const options = [mode, `ssl_ca_cert=${authority.caPath}`]
    await using server = start([
      ...['-l', '127.0.0.1', '-p', String(port), '-t', '2'],
      ...tls(certificate, ...options),
    ])
    await expect.poll(() => isServed(port, ours()), { timeout: 20_000 }).toBe(true)
    expect({
      none: await isServed(port, {}),
      ours: await isServed(port, ours()),
      foreign: await isServed(port, foreign()),
    }).toEqual(expected)
    expect(server.process.exitCode).toBeNull()
  })

  test('an address can demand them (mtls:) or not ask (btls:), whatever holds for the others', async () => {
    const [demanding, open] = [await freePort(), await freePort()]
    await using _ = start([
      ...['-l', `mtls:127.0.0.1:${demanding},btls:127.0.0.1:${open}`],
      ...tls(certificate, `ssl_ca_cert=${authority.caPath}`, 'ssl_verify_mode=1'),
    ])
    await expect.poll(() => isServed(open, {}), { timeout: 20_000 }).toBe(true)
    expect(await isServed(open, foreign())).toBe(true)
    expect(await isServed(demanding, ours())).toBe(true)
    expect(await isServed(demanding, {})).toBe(false)
    expect(await isServed(demanding, foreign())).toBe(false)
  })
})

test.skipIf(noOpenssl)(
  'the admin port finds a server well whose clients need certificates, and that is no error',
  async () => {
    const port = await freePort()
    const options = ['ssl_verify_mode=2', `ssl_ca_cert=${authority.caPath}`]
    await using server = start([
      ...['-v', '-l', '127.0.0.1', '-p', String(port), '--admin', '127.0.0.1:0', '-t', '2'],
      ...tls(certificate, ...options),
    ])
    const admin = (): string | undefined =>
      /"address":"(127\.0\.0\.1:\d+)","msg":"admin port open"/.exec(server.stdout())?.[1]
    await expect.poll(admin, { timeout: 20_000 }).toBeDefined()
    await expect
      .poll(async () => (await fetch(`http://${admin()}/healthz`)).status, { timeout: 20_000 })
      .toBe(200)
    await using wire = await secure({ port }, authority.issue(NAMES))
    expect(Number((await reportOf(wire)).get('ssl_proto_errors'))).toBe(0)
  },
)

describe.skipIf(noOpenssl)('other certificates while it serves', () => {
  /** Files whose content changes. */
  function changing(name: string): Certificate {
    const paths = {
      certPath: join(directory, `${name}.pem`),
      keyPath: join(directory, `${name}.key`),
    }
    const now = { ...certificate, ...paths }
    put(now, certificate)
    return now
  }
  function put({ certPath, keyPath }: Certificate, next: Certificate): void {
    copyFileSync(next.certPath, certPath)
    copyFileSync(next.keyPath, keyPath)
  }
  async function shown(node: RunningNode): Promise<string> {
    const wire = await Wire.secure(node, { rejectUnauthorized: false })
    const { fingerprint256 } = wire.socket.getPeerCertificate()
    wire.destroy()
    return fingerprint256
  }

  test('under load, by SIGHUP and by refresh_certs: no connection is lost, and newcomers see the new one', {
    timeout: 60_000,
  }, async () => {
    const files = changing('load')
    await using node = await startNode({ args: ['-t', '2', ...tls(files)] })
    await using cache = new Client({
      nodes: [node.address],
      tls: trusting(),
      connections: 2,
      timeout: 10_000,
      connectTimeout: 10_000,
    })
    const lost: Error[] = []
    cache.on('disconnect', (_, error) => lost.push(error))
    let asked = 0
    let running = true
    const load = Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        while (running) {
          await cache.set(`k${i}`, `v${asked}`)
          expect(await cache.get(`k${i}`)).toMatch(/^v/)
          asked++
        }
      }),
    )
    const seen = new Set<string>()
    for (let round = 0; round < 6; round++) {
      const next = authority.issue(NAMES)
      put(files, next)
      const before = await shown(node)
      if (round % 2 === 0) {
        node.process.kill('SIGHUP')
        await expect.poll(() => shown(node)).not.toBe(before)
      } else {
        await using wire = await secure(node)
        expect(await wire.say('refresh_certs\r\n')).toBe('OK\r\n')
        const refreshed = performance.now()
        // At once, on whichever thread.
        for (let i = 0; i < 3; i++) expect(await shown(node)).not.toBe(before)
        const since = Number((await reportOf(wire)).get('time_since_server_cert_refresh'))
        expect(since).toBeLessThan((performance.now() - refreshed) / 1000 + 3)
      }
      seen.add(await shown(node))
      const until = asked + 100
      await expect.poll(() => asked).toBeGreaterThan(until)
    }
    running = false
    await load
    expect(seen.size).toBe(6)
    expect(lost).toEqual([])
  })

  test('files that can’t be used change nothing, and it is said why', async () => {
    const files = changing('broken')
    await using node = await startNode({ args: ['-t', '2', ...tls(files)] })
    await using wire = await secure(node)
    const before = await shown(node)
    copyFileSync(authority.issue(NAMES).keyPath, files.keyPath)
    expect(await wire.say('refresh_certs\r\n')).toBe(
      `Error validating the certificate: ${files.certPath} is not for the key in ${files.keyPath}\r\n`,
    )
    writeFileSync(files.certPath, 'no certificate')
    node.process.kill('SIGHUP')
    await expect
      .poll(() => node.output())
      .toMatch(/Error loading the certificate chain.*stay in use/)
    expect(await shown(node)).toBe(before)
  })

  test('without -Z there is no such command', async () => {
    await using node = await startNode()
    await using wire = await Wire.connect(node)
    expect(await wire.say('refresh_certs\r\n')).toBe('ERROR\r\n')
  })
})

describe.skipIf(noOpenssl)('is refused at the start', () => {
  const cases: Record<string, () => readonly [flags: string[], message: RegExp]> = {
    'without a certificate': () => [['-Z'], /needs a certificate: -o ssl_chain_cert/],
    'without a TCP port': () => [['-p', '0', ...tls(certificate)], /SSL without a TCP port/],
    'with a file that is not there': () => {
      const certPath = join(directory, 'none.pem')
      return [
        tls({ ...certificate, certPath }),
        /^Error loading the certificate chain: .*none\.pem : ENOENT/,
      ]
    },
    'with a file that is no certificate': () => {
      const certPath = join(directory, 'text.pem')
      writeFileSync(certPath, 'hello')
      return [
        tls({ ...certificate, certPath }),
        /^Error loading the certificate chain: .*text\.pem : /,
      ]
    },
    'with a key that is none': () => {
      const keyPath = join(directory, 'text.key')
      writeFileSync(keyPath, 'hello')
      return [tls({ ...certificate, keyPath }), /^Error loading the key: .*text\.key : /]
    },
    'with another’s key': () => [
      tls({ ...certificate, keyPath: authority.issue(NAMES).keyPath }),
      /^Error validating the certificate: .* is not for the key in /,
    ],
    'with an authority that is none': () => [
      tls(certificate, `ssl_ca_cert=${join(directory, 'no-ca.pem')}`),
      /^Error loading the CA certificate: .*no-ca\.pem : ENOENT/,
    ],
    'with ciphers that nobody knows': () => [
      tls(certificate, 'ssl_ciphers=ROT13'),
      /^Error setting the provided cipher\(s\): ROT13/,
    ],
    'with a wrong mode': () => [tls(certificate, 'ssl_verify_mode=4'), /ssl_verify_mode/],
    'with a prefix that needs -Z': () => [
      ['-l', 'notls:127.0.0.1'],
      /valid only when SSL is enabled/,
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, make) => {
    const [flags, message] = make()
    await using server = start(['-p', '-1', '-l', '127.0.0.1', ...flags])
    expect(await server.exited).toBe(EX_USAGE)
    expect(server.stderr()).toMatch(message)
    expect(server.stdout()).toBe('')
  })

  test.skipIf(process.getuid?.() === 0)('with a key that may not be read', async () => {
    const keyPath = join(directory, 'secret.key')
    copyFileSync(certificate.keyPath, keyPath)
    chmodSync(keyPath, 0)
    await using server = start(['-p', '-1', ...tls({ ...certificate, keyPath })])
    expect(await server.exited).toBe(EX_USAGE)
    expect(server.stderr()).toMatch(/^Error loading the key: .*EACCES/)
  })
})
