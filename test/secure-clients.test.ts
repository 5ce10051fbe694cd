// Clients that applications use, over TLS and after logging in: each through its own API, in its own language. Who
// comes with a wrong password, or trusts somebody else, gets nothing.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuthError, Client } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Authority, type Certificate, createAuthority } from './certificates.ts'
import { type RunningNode, startNode } from './nodes.ts'
import { missing, PYTHON } from './peers.ts'
import { start } from './processes.ts'
import { type Outcome, run, runSasl, SASL_CLIENTS } from './secure-scripts.ts'
import { Wire } from './wire.ts'

const USER = 'web'
const PASSWORD = 'pass-word'
const WRONG = 'pass-words'
const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }
const DEADLINE_MS = 60_000

const noOpenssl = missing('openssl')

let directory: string
let authority: Authority
let stranger: Authority
let certificate: Certificate
let tls: string[]
let saslFile: string
let usersFile: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  saslFile = secretFile('sasl', `${USER}@realm:${PASSWORD}\n`)
  usersFile = secretFile('users', `${USER}:${PASSWORD}\n`)
  if (noOpenssl !== undefined) return
  authority = createAuthority()
  stranger = createAuthority()
  certificate = authority.issue('DNS:localhost,IP:127.0.0.1')
  tls = ['-Z', '-o', `ssl_chain_cert=${certificate.certPath},ssl_key=${certificate.keyPath}`]
})
afterAll(() => {
  authority?.[Symbol.dispose]()
  stranger?.[Symbol.dispose]()
  rmSync(directory, { recursive: true })
})

function secretFile(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  chmodSync(path, 0o600)
  return path
}

describe.skipIf(noOpenssl)('over TLS', () => {
  test('pymemcache', { timeout: DEADLINE_MS }, async ({ skip }) => {
    const reason = missing('pymemcache')
    skip(reason !== undefined, reason)
    const mutual = [
      ...tls.slice(0, -1),
      `${tls.at(-1)},ssl_verify_mode=2,ssl_ca_cert=${authority.caPath}`,
    ]
    for (const [flags, own] of [
      [tls, []],
      [mutual, [certificate.certPath, certificate.keyPath]],
    ] as const) {
      await using server = start(['-l', '127.0.0.1', '-p', '-1', '-vv', '-t', '2', ...flags])
      await expect.poll(() => server.stdout(), { timeout: 20_000 }).toContain('serving')
      const port = /127\.0\.0\.1:(\d+)/.exec(server.stdout())?.[1] ?? ''
      const by = (ca: string): Promise<Outcome> =>
        run(PYTHON, 'pymemcache_secure.py', ['localhost', port, ca, ...own])
      expect(await by(authority.caPath)).toMatchObject({ same: true })
      expect(await by(stranger.caPath)).toMatchObject({
        same: false,
        output: expect.stringContaining('CERTIFICATE_VERIFY_FAILED'),
      })
    }
  })

  test('dalli, with SASL and without', { timeout: DEADLINE_MS }, async ({ skip }) => {
    const reason = missing('dalli')
    skip(reason !== undefined, reason)
    await using open = await startNode({ args: tls })
    expect(
      await run('ruby', 'dalli_secure.rb', [`localhost:${open.port}`, authority.caPath]),
    ).toMatchObject({ same: true })
    expect(
      await run('ruby', 'dalli_secure.rb', [`localhost:${open.port}`, stranger.caPath]),
    ).toMatchObject({ same: false })
    await using guarded = await saslNode(tls)
    const by = (MEMCACHE_PASSWORD: string): Promise<Outcome> =>
      run('ruby', 'dalli_secure.rb', [`localhost:${guarded.port}`, authority.caPath], {
        MEMCACHE_USERNAME: `${USER}@realm`,
        MEMCACHE_PASSWORD,
      })
    expect(await by(PASSWORD)).toMatchObject({ same: true })
    expect(await by(WRONG)).toMatchObject({ same: false })
  })

  test('ours, by SASL and by the login of the text protocol', async () => {
    const trusted = { tls: { ca: authority.ca }, ...PATIENT }
    await using sasl = await saslNode(tls)
    await using text = await startNode({ args: ['-Y', usersFile, ...tls] })
    for (const options of [
      { nodes: [sasl.address], protocol: 'binary', username: `${USER}@realm` },
      { nodes: [text.address], protocol: 'meta', username: USER },
    ] as const) {
      const { username, ...rest } = options
      await using cache = new Client({
        ...rest,
        ...trusted,
        auth: { username, password: PASSWORD },
      })
      expect(await cache.set('k', 'v')).toBe(true)
      expect(await cache.get('k')).toBe('v')
      await using guesser = new Client({ ...rest, ...trusted, auth: { username, password: WRONG } })
      await expect(guesser.get('k')).rejects.toThrow(AuthError)
    }
  })
})

async function saslNode(flags: readonly string[]): Promise<RunningNode> {
  return startNode({ args: ['-S', ...flags], env: { MEMCACHED_SASL_PWDB: saslFile } })
}

describe('by SASL', () => {
  let node: RunningNode

  beforeAll(async () => {
    node = await saslNode([])
  })
  afterAll(() => node?.stop('SIGKILL'))

  test.for(SASL_CLIENTS)('$peer', { timeout: DEADLINE_MS }, async (client, { skip }) => {
    const reason = missing(client.peer)
    skip(reason !== undefined, reason)
    const by = (password: string): Promise<Outcome> =>
      runSasl(client, node, `${USER}@realm`, password)
    expect(await by(PASSWORD)).toMatchObject({ same: true })
    expect(await by(WRONG)).toMatchObject({ same: false })
  })

  test('dalli', { timeout: DEADLINE_MS }, async ({ skip }) => {
    const reason = missing('dalli')
    skip(reason !== undefined, reason)
    const env = { MEMCACHE_USERNAME: `${USER}@realm`, MEMCACHE_PASSWORD: PASSWORD }
    expect(await run('ruby', 'dalli_secure.rb', [node.address], env)).toMatchObject({ same: true })
  })
})

test('who guesses 16 times wrong has to connect anew', async () => {
  await using node = await startNode({ args: ['-Y', usersFile] })
  await using wire = await Wire.connect(node)
  const guess = `set x 0 0 ${`${USER} ${WRONG}`.length}\r\n${USER} ${WRONG}\r\n`
  wire.send(guess.repeat(100))
  const answers = (await wire.readToEnd()).toString('latin1')
  expect(answers).toBe('CLIENT_ERROR authentication failure\r\n'.repeat(16))
})

describe('a file of secrets that others may read', () => {
  test('is warned of at the start and on SIGHUP, once each time', async () => {
    const path = secretFile('readable', `${USER}:${PASSWORD}\n`)
    chmodSync(path, 0o644)
    await using server = start(['-l', '127.0.0.1', '-p', '-1', '-Y', path])
    const said = (): number => server.stdout().split('may read the passwords of -Y').length - 1
    await expect.poll(said, { timeout: 20_000 }).toBe(1)
    expect(server.stdout()).toContain('mode 0644')
    server.process.kill('SIGHUP')
    await expect.poll(said).toBe(2)
    chmodSync(path, 0o600)
    writeFileSync(path, 'no colon\n')
    server.process.kill('SIGHUP')
    await expect.poll(() => server.stdout()).toMatch(/malformed entry/)
    expect(said()).toBe(2)
  })

  test('and nobody else may read is not worth a word', async () => {
    await using node = await startNode({ args: ['-Y', usersFile] })
    expect(node.output()).toBe('')
  })
})
