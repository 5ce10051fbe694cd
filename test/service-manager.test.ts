// What a service manager is told (sd_notify(3)): over a real unix datagram socket, as systemd has one, by path and by
// abstract name.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from './nodes.ts'
import { missing, PYTHON } from './peers.ts'
import { type Started, served, start } from './processes.ts'

/** Node has no datagrams over unix sockets: each that comes is a line of JSON. */
const LISTENER = `
import json, socket, sys
name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + name[1:] if name[0] == '@' else name)
print(json.dumps('bound'), flush=True)
while True: print(json.dumps(s.recv(4096).decode()), flush=True)
`

class Manager {
  readonly #process: ChildProcess
  readonly #messages: AsyncIterator<string>

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#process = child
    this.#messages = lines
  }

  static async listen(address: string): Promise<Manager> {
    const child = spawn(PYTHON, ['-c', LISTENER, address], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const manager = new Manager(child, lines)
    expect(await manager.told()).toBe('bound')
    return manager
  }

  /** The next datagram. */
  async told(): Promise<string> {
    const { value } = await this.#messages.next()
    return JSON.parse(String(value))
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }
}

describe.skipIf(missing('python3') !== undefined)('a service manager', () => {
  let directory = ''
  let manager: Manager | undefined
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memshard-notify-'))
  })
  afterEach(async () => {
    await manager?.end()
    manager = undefined
    await rm(directory, { recursive: true, force: true })
  })

  async function managed(
    address: string,
    argv: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ server: Started; port: number; manager: Manager }> {
    manager = await Manager.listen(address)
    const port = await freePort()
    const server = start(['-l', '127.0.0.1', '-p', String(port), '-t', '1', ...argv], {
      env: { NOTIFY_SOCKET: address, ...env },
    })
    return { server, port, manager }
  }

  test.each([['a path'], ['an abstract name'], ['--transport node']])(
    'is told when clients may come, when settings are read again, and of the end: %s',
    async (how) => {
      const path = join(directory, 'notify')
      const address = how === 'an abstract name' ? `@memshard-${process.pid}-${Date.now()}` : path
      const argv = how.startsWith('--') ? how.split(' ') : []
      const { server, port, manager } = await managed(address, argv)
      await using _ = server
      const ready = await manager.told()
      expect(ready).toBe(`READY=1\nSTATUS=serving on 127.0.0.1:${port}\n`)
      // It is true.
      const wire = await served({ host: '127.0.0.1', port }, server)
      wire.destroy()

      const before = process.hrtime.bigint() / 1000n
      server.process.kill('SIGHUP')
      const reloading = await manager.told()
      expect(reloading).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+\n$/)
      const at = BigInt(/USEC=(\d+)/.exec(reloading)?.[1] ?? 0)
      expect(at).toBeGreaterThanOrEqual(before)
      expect(at).toBeLessThanOrEqual(process.hrtime.bigint() / 1000n)
      expect(await manager.told()).toBe(ready)

      server.process.kill('SIGTERM')
      expect(await manager.told()).toBe('STOPPING=1\nSTATUS=stopping\n')
      expect(await server.exited).toBe(0)
    },
  )

  test('the watchdog is told while threads answer', async () => {
    const env = { WATCHDOG_USEC: '400000' }
    const { server, manager } = await managed(join(directory, 'notify'), [], env)
    await using _ = server
    expect(await manager.told()).toMatch(/^READY=1\n/)
    for (let i = 0; i < 3; i++) expect(await manager.told()).toBe('WATCHDOG=1\n')
    server.process.kill('SIGTERM')
    let last = await manager.told()
    while (last === 'WATCHDOG=1\n') last = await manager.told()
    expect(last).toMatch(/^STOPPING=1\n/)
    expect(await server.exited).toBe(0)
  })

  test('a watchdog for another process is none', async () => {
    const env = { WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' }
    const { server, port, manager } = await managed(join(directory, 'notify'), [], env)
    await using _ = server
    expect(await manager.told()).toMatch(/^READY=1\n/)
    const wire = await served({ host: '127.0.0.1', port }, server)
    const since = Date.now()
    while (Date.now() - since < 400) await wire.ask('version\r\n')
    wire.destroy()
    server.process.kill('SIGTERM')
    expect(await manager.told()).toMatch(/^STOPPING=1\n/)
  })

  test.each([
    ['nobody/there', /its address must begin with/],
    ['/nowhere/at/all', /No such file/],
    [`/${'x'.repeat(200)}`, /its address is too long/],
  ])(
    'who is not there is warned of, and keeps nobody from serving: %s',
    async (address, reason) => {
      const port = await freePort()
      await using server = start(['-l', '127.0.0.1', '-p', String(port)], {
        env: { NOTIFY_SOCKET: address },
      })
      const wire = await served({ host: '127.0.0.1', port }, server)
      wire.destroy()
      await expect.poll(() => server.stdout()).toMatch(reason)
      server.process.kill('SIGTERM')
      expect(await server.exited).toBe(0)
    },
  )
})

describe('--healthcheck', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memshard-health-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  async function check(...argv: string[]): Promise<{ code: unknown; said: string }> {
    await using asked = start([...argv, '--healthcheck'], { asRoot: false })
    const code = await asked.exited
    return { code, said: asked.stdout() + asked.stderr() }
  }

  test('takes the flags of the server that it asks', async () => {
    const port = await freePort()
    await using server = start(['-l', '127.0.0.1', '-p', String(port), '-t', '1'])
    const wire = await served({ host: '127.0.0.1', port }, server)
    wire.destroy()
    expect(await check('-p', String(port))).toEqual({ code: 0, said: 'serving\n' })
    expect(await check('-l', `127.0.0.1:${port}`)).toEqual({ code: 0, said: 'serving\n' })
    server.process.kill('SIGTERM')
    await server.exited
    const { code, said } = await check('-p', String(port))
    expect(code).toBe(1)
    expect(said).toMatch(/^no thread answers: .*ECONNREFUSED/)
  })

  test('over a unix socket, and where everybody has to log in', async () => {
    const path = join(directory, 'socket')
    const users = join(directory, 'users')
    await writeFile(users, 'ada:lovelace\n')
    await using server = start(['-s', path, '-t', '1', '-Y', users])
    await expect.poll(async () => (await check('-s', path)).code, { timeout: 20_000 }).toBe(0)
    server.process.kill('SIGTERM')
    await server.exited
    expect((await check('-s', path)).code).toBe(1)
  })

  test('a server that listens nowhere in particular can not be asked', async () => {
    expect(await check('-p', '0')).toMatchObject({ code: 1, said: expect.stringMatching(/^which/) })
    expect((await check('-p', '-1')).code).toBe(1)
  })
})
