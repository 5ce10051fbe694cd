// `-Y` in whole servers, beside the memcached of the machine: the same bytes are answered the same.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FAILURE, LOGIN_SESSIONS, login } from './login-sessions.ts'
import { freePort } from './nodes.ts'
import { missing } from './peers.ts'
import { type Started, start } from './processes.ts'
import { type Endpoint, Wire } from './wire.ts'

let directory: string
let file: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  file = join(directory, 'users')
})
afterAll(() => rmSync(directory, { recursive: true }))

interface Guarded extends AsyncDisposable {
  readonly endpoint: Endpoint
  readonly server: Started
}

/** A server that lets `foo` in with `bar`. */
async function guarded(executable?: string, ...args: string[]): Promise<Guarded> {
  writeFileSync(file, 'foo:bar\nbaaaz:quux\n')
  const port = await freePort()
  const argv = ['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-Y', file, '-t', '2', ...args]
  const server = start(argv, { executable })
  const endpoint = { host: '127.0.0.1', port }
  for (;;) {
    try {
      ;(await Wire.connect(endpoint)).destroy()
      return { endpoint, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
    } catch (error) {
      if (server.process.exitCode !== null) throw new Error(server.stderr(), { cause: error })
      await sleep(20)
    }
  }
}

/** What one login is answered. */
async function logIn(endpoint: Endpoint, text: string): Promise<string> {
  await using wire = await Wire.connect(endpoint)
  wire.send(login(text))
  return (await wire.readUntil('\r\n')).toString('latin1')
}

describe.each(['memcached', 'memshard', 'memshard, node transport'])('%s', (name) => {
  const executable = name === 'memcached' ? 'memcached' : undefined
  const args = name.endsWith('transport') ? ['--transport', 'node'] : []

  test.for(Object.entries(LOGIN_SESSIONS))('%s', async ([, steps], { skip }) => {
    const reason = executable === undefined ? undefined : missing('memcached')
    skip(reason !== undefined, reason)
    await using server = await guarded(executable, ...args)
    await using wire = await Wire.connect(server.endpoint)
    for (const [sent, answer] of steps) {
      wire.send(sent)
      expect((await wire.read(answer.length)).toString('latin1'), sent).toBe(answer)
    }
  })
})

test('is counted, and shown among the settings', async () => {
  await using server = await guarded()
  expect(await logIn(server.endpoint, 'foo x')).toBe(FAILURE)
  await using wire = await Wire.connect(server.endpoint)
  wire.send(login('foo bar'))
  await wire.readUntil('STORED\r\n')
  const stats = await wire.say('stats\r\nstats settings\r\n')
  expect(stats).toMatch(/STAT auth_cmds 2\r\nSTAT auth_errors 1\r\n/)
  expect(stats).toContain(`STAT auth_enabled_ascii ${file}\r\n`)
  expect(stats).toContain('STAT binding_protocol ascii\r\n')
})

test('SIGHUP lets in who is in the file by now, and a file that can’t be read changes nothing', async () => {
  await using node = await guarded()
  await using inside = await Wire.connect(node.endpoint)
  inside.send(login('foo bar'))
  await inside.readUntil('STORED\r\n')

  writeFileSync(file, 'new:one\n')
  node.server.process.kill('SIGHUP')
  await expect.poll(() => logIn(node.endpoint, 'new one')).toBe('STORED\r\n')
  expect(await logIn(node.endpoint, 'foo bar')).toBe(FAILURE)
  expect(await inside.say('get a\r\n')).toBe('END\r\n')

  writeFileSync(file, 'nonsense\n')
  node.server.process.kill('SIGHUP')
  await expect.poll(() => node.server.stdout()).toMatch(/malformed entry/)
  expect(await logIn(node.endpoint, 'new one')).toBe('STORED\r\n')
})

describe('is refused at the start', () => {
  test.each([
    ['with the binary protocol', ['-B', 'binary'], 64],
    ['with both protocols', ['-B', 'auto'], 64],
    ['with UDP', ['-U', '11211'], 64],
  ])('%s', async (_, args, exitCode) => {
    writeFileSync(file, 'foo:bar\n')
    await using server = start(['-p', '-1', '-Y', file, ...args])
    expect(await server.exited).toBe(exitCode)
    expect(server.stderr()).not.toBe('')
  })

  test('without its file, or with a wrong one', async () => {
    await using none = start(['-p', '-1', '-Y', join(directory, 'none')])
    expect(await none.exited).toBe(1)
    expect(none.stderr()).toMatch(/^Could not open authfile/)
    writeFileSync(file, 'foo\n')
    await using wrong = start(['-p', '-1', '-Y', file])
    expect(await wrong.exited).toBe(1)
    expect(wrong.stderr()).toMatch(/^Authfile \[.*\] has a malformed entry/)
  })
})
