// The server as a process: how it is started, what it says and leaves behind, which signals it heeds,
// and how it ends.
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort, MEMSHARD_SERVER, startNode } from './nodes.ts'
import { isAlive, served, start } from './processes.ts'
import { TRANSPORTS } from './transports.ts'
import { statistic, statistics, Wire } from './wire.ts'

/** Far longer than a stop takes, even on a machine with other things to do. */
const PROMPTLY_MS = 10_000
const EX_OSERR = 71
const EX_NOUSER = 67
const isRoot = process.getuid?.() === 0

let directory: string
let port: number

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  port = await freePort()
})
afterEach(() => {
  // A daemon is nobody's child: if its test failed, it is still there.
  const daemonFile = join(directory, 'daemon.pid')
  if (existsSync(daemonFile)) process.kill(Number(readFileSync(daemonFile, 'utf8')), 'SIGKILL')
  rmSync(directory, { recursive: true })
})

/** Loopback, on the port of this test. */
const here = (): { host: string; port: number } => ({ host: '127.0.0.1', port })
const listen = (): string[] => ['-l', '127.0.0.1', '-p', String(port)]

describe('starting', () => {
  test('a symlink with another name starts it, and the process started is the one that serves', async () => {
    const link = join(directory, 'memcached-debug')
    symlinkSync(MEMSHARD_SERVER, link)
    await using server = start(listen(), { executable: link })
    await using wire = await served(here(), server)
    expect(await wire.say('stats\r\n')).toContain(`STAT pid ${server.pid}\r\n`)
    const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')
    expect(children.trim()).toBe('')
  })

  test.each(TRANSPORTS)('a port in use is refused in a clear sentence (%s)', async (transport) => {
    await using first = await startNode()
    const second = start(['-l', '127.0.0.1', '-p', String(first.port), '--transport', transport])
    await using _ = second
    expect(await second.exited).toBe(EX_OSERR)
    expect(second.stderr()).toMatch(/^failed to listen on TCP .*in use.*\n$/i)
    expect(second.stderr()).toContain(String(first.port))
    expect(second.stdout()).toBe('')
    await using wire = await Wire.connect(first)
    expect(await wire.say('version\r\n')).toMatch(/^VERSION /)
  })

  test('-P: a file with the process id, for as long as it runs', async () => {
    const pidFile = join(directory, 'server.pid')
    await using server = start([...listen(), '-P', pidFile])
    await using wire = await served(here(), server)
    await expect.poll(() => existsSync(pidFile)).toBe(true)
    expect(readFileSync(pidFile, 'utf8')).toBe(`${server.pid}\n`)
    wire.destroy()
    server.process.kill('SIGTERM')
    expect(await server.exited).toBe(0)
    expect(existsSync(pidFile)).toBe(false)
  })

  test('-P: neither a running server’s file nor one that can’t be written keeps it from serving', async () => {
    const pidFile = join(directory, 'others.pid')
    writeFileSync(pidFile, `${process.pid}\n`)
    await using server = start([...listen(), '-P', pidFile])
    await using wire = await served(here(), server)
    await expect.poll(() => readFileSync(pidFile, 'utf8')).toBe(`${server.pid}\n`)
    expect(server.stdout()).toContain(`contained the following (running) pid: ${process.pid}`)
    wire.destroy()
    server.process.kill('SIGTERM')
    await server.exited
    await using other = start([...listen(), '-P', join(directory, 'none', 'pid')])
    await using _ = await served(here(), other)
    expect(other.stdout()).toContain('Could not open the pid file')
  })

  test.each(TRANSPORTS)(
    'MEMCACHED_PORT_FILENAME: a file with the ports it got (%s)',
    async (transport) => {
      const portFile = join(directory, 'ports')
      const argv = ['-l', '127.0.0.1', '-p', '-1', '--transport', transport]
      await using server = start(argv, { env: { MEMCACHED_PORT_FILENAME: portFile } })
      await expect.poll(() => existsSync(portFile), { timeout: 20_000 }).toBe(true)
      const match = /^TCP INET: (\d+)\n$/.exec(readFileSync(portFile, 'utf8'))
      expect(match).not.toBeNull()
      await using wire = await served({ host: '127.0.0.1', port: Number(match?.[1]) }, server)
      expect(await wire.say('version\r\n')).toMatch(/^VERSION /)
    },
  )

  test.runIf(isRoot)('-u: the whole process gives up root', async () => {
    const nobody = Number(/^nobody:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1])
    await using server = start([...listen(), '-u', 'nobody', '-t', '3'], { asRoot: false })
    await using wire = await served(here(), server)
    for (const thread of readdirSync(`/proc/${server.pid}/task`)) {
      const status = readFileSync(`/proc/${server.pid}/task/${thread}/status`, 'utf8')
      expect(status).toMatch(new RegExp(`^Uid:\\s+${nobody}\\s+${nobody}\\s+${nobody}`, 'm'))
    }
    expect(await wire.say('set a 0 0 1\r\nx\r\nget a\r\n')).toContain('VALUE a 0 1\r\nx\r\n')
  })

  test.runIf(isRoot)(
    '-u: groups are given up too, and files and sockets are the user’s',
    async () => {
      const [, user, group] =
        /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []
      const [id, groupId] = [Number(user), Number(group)]
      // Only the user may write there.
      chownSync(directory, id, groupId)
      const file = (name: string): string => join(directory, name)
      const socket = file('socket')
      const argv = [
        '-u',
        'nobody',
        '-s',
        socket,
        '-e',
        file('memory'),
        '-P',
        file('pid'),
        '-v',
        '-A',
      ]
      const options = { asRoot: false }
      await using first = start(argv, options)
      await using wire = await served({ path: socket }, first)
      for (const thread of readdirSync(`/proc/${first.pid}/task`)) {
        const status = readFileSync(`/proc/${first.pid}/task/${thread}/status`, 'utf8')
        const all = (own: number): string => `\\s+${own}`.repeat(4)
        expect(status).toMatch(new RegExp(`^Uid:${all(id)}$`, 'm'))
        expect(status).toMatch(new RegExp(`^Gid:${all(groupId)}$`, 'm'))
        expect(status).toMatch(new RegExp(`^Groups:\\s+${groupId}\\s*$`, 'm'))
        expect(status).toMatch(/^CapEff:\s+0+$/m)
      }
      await expect.poll(() => existsSync(file('pid'))).toBe(true)
      for (const name of ['socket', 'memory', 'pid']) expect(statSync(file(name)).uid).toBe(id)
      await wire.say('set kept 0 0 1\r\nx\r\n')
      first.process.kill('SIGUSR1')
      expect(await first.exited).toBe(0)
      expect(first.stdout()).toContain('stopped')
      expect(readdirSync(directory).some((name) => name === 'socket' || name === 'pid')).toBe(false)

      await using second = start(argv, options)
      await using again = await served({ path: socket }, second)
      expect(await again.say('get kept\r\n')).toBe('VALUE kept 0 1\r\nx\r\nEND\r\n')
    },
  )

  test.runIf(isRoot)('-u: a user that is not there is refused as memcached does it', async () => {
    await using server = start([...listen(), '-u', 'no-such-user'], { asRoot: false })
    expect(await server.exited).toBe(EX_NOUSER)
    expect(server.stderr()).toBe("can't find the user no-such-user to switch to\n")
  })

  test.runIf(isRoot)('root without -u is warned once', async () => {
    await using server = start(listen(), { asRoot: false })
    await using _ = await served(here(), server)
    expect(server.stdout().match(/runs as root/g)).toHaveLength(1)
  })
})

describe('-d', () => {
  test('leaves a daemon that serves, and whose id is in the pid file', async () => {
    const pidFile = join(directory, 'daemon.pid')
    await using starter = start([...listen(), '-d', '-P', pidFile])
    expect(await starter.exited).toBe(0)
    // It serves by the time the command returns.
    const pid = Number(readFileSync(pidFile, 'utf8'))
    try {
      expect(pid).not.toBe(starter.pid)
      expect(await statistic(here(), 'pid')).toBe(pid)
      // Nobody's directory is kept busy.
      if (process.platform === 'linux') expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/')
    } finally {
      process.kill(pid, 'SIGTERM')
    }
    await expect.poll(() => isAlive(pid), { timeout: PROMPTLY_MS }).toBe(false)
    expect(existsSync(pidFile)).toBe(false)
  })

  test('tells when the daemon can not serve', async () => {
    await using first = await startNode()
    await using starter = start(['-l', '127.0.0.1', '-p', String(first.port), '-d'])
    expect(await starter.exited).toBe(EX_OSERR)
    expect(starter.stderr()).toMatch(/in use/i)
  })
})

describe('the log', () => {
  test('is silent by default', async () => {
    await using server = start(listen())
    await using wire = await served(here(), server)
    await wire.ask('set a 0 0 1\r\nx\r\nget a\r\nbogus\r\n')
    server.process.kill('SIGTERM')
    expect(await server.exited).toBe(0)
    expect(server.stdout()).toBe('')
    expect(server.stderr()).toBe('')
  })

  test('-v: a JSON object a line when piped', async () => {
    await using server = start([...listen(), '-v'])
    await using wire = await served(here(), server)
    wire.destroy()
    server.process.kill('SIGTERM')
    expect(await server.exited).toBe(0)
    const lines = server.stdout().trimEnd().split('\n')
    const events = lines.map((line) => JSON.parse(line))
    for (const event of events) {
      expect(event).toMatchObject({ level: expect.any(String), msg: expect.any(String) })
      expect(event.pid).toBe(server.pid)
      expect(Date.parse(event.time)).not.toBeNaN()
    }
    const messages = events.map(({ msg }) => msg)
    expect(messages).toContain('serving')
    expect(messages.at(-1)).toBe('stopped')
    expect(server.stderr()).toBe('')
  })
})

describe.each(TRANSPORTS)('ending, over %s', (transport) => {
  const argv = (): string[] => [...listen(), '--transport', transport]

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s under load ends it promptly, with 0',
    async (signal) => {
      await using server = start([...argv(), '-t', '4'])
      await using halfDone = await served(here(), server)
      halfDone.send('set never 0 0 100000\r\nonly a part of')
      const load = Array.from({ length: 8 }, async (_, i) => {
        const wire = await Wire.connect(here())
        try {
          for (;;) await wire.ask(`set key-${i} 0 0 5\r\nvalue\r\nget key-${i}\r\n`.repeat(50))
        } catch {
          // It was ended.
        } finally {
          wire.destroy()
        }
      })
      await expect.poll(() => statistic(here(), 'cmd_set')).toBeGreaterThan(1_000)
      const signalled = Date.now()
      server.process.kill(signal)
      expect(await server.exited).toBe(0)
      expect(Date.now() - signalled).toBeLessThan(PROMPTLY_MS)
      await Promise.all(load)
      expect(server.stderr()).toBe('')
    },
  )

  test('SIGUSR1: what was asked for still arrives, then it ends with 0', async () => {
    const LENGTH = 500_000
    const GETS = 20
    await using server = start(argv())
    await using wire = await served(here(), server)
    const value = 'v'.repeat(LENGTH)
    expect(await wire.say(`set large 0 0 ${LENGTH}\r\n${value}\r\n`)).toBe('STORED\r\n')
    wire.socket.pause()
    wire.send('get large\r\n'.repeat(GETS))
    // It has made the first answers and waits for us to take them.
    await expect.poll(() => statistic(here(), 'get_hits')).toBeGreaterThan(0)
    server.process.kill('SIGUSR1')
    // No longer there for others.
    await expect.poll(canConnect, { timeout: PROMPTLY_MS }).toBe(false)
    wire.socket.resume()
    const answer = `VALUE large 0 ${LENGTH}\r\n${value}\r\nEND\r\n`
    const answers = await wire.readToEnd()
    expect(answers.length).toBe(GETS * answer.length)
    expect(answers.equals(Buffer.from(answer.repeat(GETS)))).toBe(true)
    expect(await server.exited).toBe(0)
  })

  test('SIGUSR1 without anything to wait for ends it at once', async () => {
    await using server = start(argv())
    await using idle = await served(here(), server)
    server.process.kill('SIGUSR1')
    expect((await idle.readToEnd()).toString()).toBe('')
    expect(await server.exited).toBe(0)
  })

  test('SIGHUP does no harm', async () => {
    await using server = start(argv())
    await using wire = await served(here(), server)
    await wire.ask('set a 0 0 1\r\nx\r\n')
    for (let i = 0; i < 3; i++) {
      server.process.kill('SIGHUP')
      expect(await wire.say('get a\r\n')).toBe('VALUE a 0 1\r\nx\r\nEND\r\n')
    }
    expect(await statistic(here(), 'pid')).toBe(server.pid)
    server.process.kill('SIGTERM')
    expect(await server.exited).toBe(0)
  })

  test.each(['shutdown', 'shutdown graceful'])('-A: %s ends it', async (command) => {
    await using server = start([...argv(), '-A'])
    await using wire = await served(here(), server)
    expect(await wire.say('shutdown sometime\r\n')).toBe('CLIENT_ERROR invalid shutdown mode\r\n')
    wire.send(`${command}\r\n`)
    expect((await wire.readToEnd()).toString()).toBe('')
    expect(await server.exited).toBe(0)
  })

  test('the port is free again right away', async () => {
    for (let run = 0; run < 3; run++) {
      await using server = start(argv())
      await using wire = await served(here(), server)
      expect(await wire.say('version\r\n')).toMatch(/^VERSION /)
      server.process.kill('SIGTERM')
      expect(await server.exited).toBe(0)
    }
  })
})

test('stats tells the uptime, the threads and the process', async () => {
  await using node = await startNode({ args: ['-t', '3'] })
  const stats = await statistics(node)
  expect(stats.get('pid')).toBe(String(node.pid))
  expect(stats.get('threads')).toBe('3')
  expect(Number(stats.get('uptime'))).toBeLessThan(60)
  expect(Math.abs(Number(stats.get('time')) - Date.now() / 1000)).toBeLessThan(5)
  expect(statSync(`/proc/${node.pid}/exe`).isFile()).toBe(true)
})

async function canConnect(): Promise<boolean> {
  try {
    const wire = await Wire.connect(here())
    wire.destroy()
    return true
  } catch {
    return false
  }
}
