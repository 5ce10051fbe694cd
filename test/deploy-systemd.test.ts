// The systemd unit: systemd's own tools read it, and a server serves under the system calls, address families and
// capabilities that it leaves. What starts it here is not systemd: a filter by libseccomp is made of what the unit says
// and systemd-analyze lists.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort, MEMSHARD_SERVER } from './nodes.ts'
import { missing, PYTHON } from './peers.ts'
import { served, start } from './processes.ts'
import { REPOSITORY } from './repository.ts'
import { statistic } from './wire.ts'

const UNITS = join(REPOSITORY, 'deploy/systemd')

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'memshard-systemd-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function unit(): Promise<string> {
  return readFile(join(UNITS, 'memshard@.service'), 'utf8')
}

/** Every value of a setting, in its order. */
function valuesOf(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

test("takes what memcached's units take", async () => {
  const text = await unit()
  const [command = ''] = valuesOf(text, 'ExecStart')
  expect(command).toMatch(
    /^\/usr\/bin\/memshard-server -p %i -m \$\{CACHESIZE\} -c \$\{MAXCONN\} \$OPTIONS$/,
  )
  expect(valuesOf(text, 'Environment')).toEqual(['MAXCONN=1024 CACHESIZE=64 OPTIONS='])
  expect(valuesOf(text, 'MemoryDenyWriteExecute')).toEqual([])
})

describe.skipIf(missing('systemd-analyze') !== undefined)('systemd-analyze', () => {
  /** The template as one unit, with the executable of the repository, which is installed here. */
  async function installed(dropIn = ''): Promise<string> {
    const file = join(directory, 'memshard@11211.service')
    const here = (text: string): string =>
      text.replaceAll('/usr/bin/memshard-server', MEMSHARD_SERVER)
    await writeFile(file, here(await unit()) + here(dropIn))
    return file
  }
  const analyze = (...argv: string[]): { status: number | null; said: string } => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--no-pager', ...argv], {
      encoding: 'utf8',
    })
    return { status, said: stdout + stderr }
  }

  test('finds nothing wrong with the unit', async () => {
    expect(analyze('verify', await installed())).toEqual({ status: 0, said: '' })
  })

  test('nor with that of warm restarts', async () => {
    const dropIn = await readFile(join(UNITS, 'warm-restart.conf'), 'utf8')
    expect(analyze('verify', await installed(dropIn))).toEqual({ status: 0, said: '' })
  })

  test('calls its exposure low', async () => {
    // In tenths: below 2 is as good as services with a network get.
    const { status, said } = analyze(
      'security',
      '--offline=true',
      '--threshold=20',
      await installed(),
    )
    expect(said).toMatch(/Overall exposure level .*: [01]\.\d OK/)
    expect(status).toBe(0)
  })
})

/** Allows what the unit allows, and becomes the command. Anything else is EPERM. */
const CONFINE = `
import errno, os, socket, sys, seccomp
allowed, families, command = sys.argv[1].split(','), sys.argv[2].split(','), sys.argv[3:]
f = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for name in allowed:
  if name in ('socket', 'socketpair'): continue
  try: f.add_rule(seccomp.ALLOW, name)
  except (RuntimeError, ValueError, OSError): pass
for name in ('socket', 'socketpair'):
  for family in families:
    f.add_rule(seccomp.ALLOW, name, seccomp.Arg(0, seccomp.EQ, getattr(socket, family)))
f.load()
os.execvp(command[0], command)
`

const unconfined = missing('systemd-analyze') ?? missing('python3-seccomp')
describe.skipIf(unconfined !== undefined)('under its system calls and address families', () => {
  async function allowedCalls(): Promise<readonly string[]> {
    const filters = valuesOf(await unit(), 'SystemCallFilter')
    const allowed = new Set<string>()
    for (const filter of filters) {
      const denied = filter.startsWith('~')
      for (const name of filter.replace(/^~/, '').split(' ')) {
        for (const call of callsOf(name)) {
          if (denied) allowed.delete(call)
          else allowed.add(call)
        }
      }
    }
    return [...allowed]
  }

  function callsOf(name: string): string[] {
    if (!name.startsWith('@')) return [name]
    const { stdout } = spawnSync('systemd-analyze', ['--no-pager', 'syscall-filter', name], {
      encoding: 'utf8',
    })
    const members = stdout.split('\n').map((line) => line.trim())
    return members.filter((line) => /^@?[a-z0-9_-]+$/.test(line) && line !== name).flatMap(callsOf)
  }

  test.each(['uring', 'epoll', 'node'])('a server serves by --transport %s', async (transport) => {
    const port = await freePort()
    const calls = await allowedCalls()
    expect(calls).toEqual(expect.arrayContaining(['io_uring_enter', 'epoll_wait', 'mlock2']))
    expect(calls).not.toContain('ptrace')
    const [families = ''] = valuesOf(await unit(), 'RestrictAddressFamilies')
    const confine = ['-c', CONFINE, calls.join(','), families.replaceAll(' ', ',')]
    const argv = ['-p', String(port), '-l', '127.0.0.1', '-u', 'root', '-t', '2']
    const options = ['-e', join(directory, 'items'), '-k', '--transport', transport]
    await using server = start(
      [
        ...confine,
        ...[MEMSHARD_SERVER, ...argv, ...(transport === 'node' ? options.slice(3) : options)],
      ],
      { executable: PYTHON, asRoot: false, env: { LOG_LEVEL: 'warn' } },
    )
    const wire = await served({ host: '127.0.0.1', port }, server)
    expect(await wire.say('set a 0 0 1\r\nx\r\n')).toBe('STORED\r\n')
    // Others would be refused what they need.
    expect(await readFile(`/proc/${server.pid}/status`, 'utf8')).toMatch(/^Seccomp:\t2$/m)
    expect(await statistic({ host: '127.0.0.1', port }, 'curr_items')).toBe(1)
    wire.destroy()
    server.process.kill('SIGUSR1')
    expect(await server.exited).toBe(0)
    expect(server.stderr()).toBe('')
  })
})
