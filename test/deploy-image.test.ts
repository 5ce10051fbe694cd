// The container image, as far as it can be made without a container engine (deploy-container.test.ts has one): the entry point's rule by a real shell, the
// packages as the Dockerfile installs them, and the server from them as process 1 of its own namespace, as user 11211, on
// a root file system that can't be written.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from './nodes.ts'
import { missing } from './peers.ts'
import { served } from './processes.ts'
import { REPOSITORY } from './repository.ts'
import { installation, installServer } from './server-installation.ts'
import { runtimeDependencies } from './supply-chain/runtime-dependencies.ts'

const DOCKER = join(REPOSITORY, 'deploy/docker')
const ENTRYPOINT = join(DOCKER, 'docker-entrypoint.sh')
const INSTALL_DEADLINE_MS = 180_000

/** A Dockerfile's instructions, in their order. */
async function instructions(): Promise<readonly (readonly [name: string, rest: string])[]> {
  const text = await readFile(join(DOCKER, 'Dockerfile'), 'utf8')
  const lines = text.replace(/^#.*\n/gm, '').replace(/\\\n/g, ' ')
  return lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
      return [name, rest] as const
    })
}

describe('the Dockerfile', () => {
  test('ends in an image with the conventions of the official one', async () => {
    const all = await instructions()
    expect(all.map(([name]) => name)).not.toContain('')
    const last = all.slice(all.map(([name]) => name).lastIndexOf('FROM'))
    const of = (name: string): string[] => last.filter(([n]) => n === name).map(([, rest]) => rest)
    expect(of('USER')).toEqual(['memcache'])
    expect(of('EXPOSE')).toEqual(['11211'])
    expect(JSON.parse(of('ENTRYPOINT')[0]!)).toEqual(['docker-entrypoint.sh'])
    expect(JSON.parse(of('CMD')[0]!)).toEqual(['memshard-server'])
    expect(of('HEALTHCHECK')[0]).toMatch(/CMD \["memshard-server", "--healthcheck"\]$/)
    const [users = ''] = of('RUN')
    expect(users).toMatch(/groupadd .*--gid 11211 memcache/)
    expect(users).toMatch(/useradd .*--uid 11211 /)
  })

  test('is given what it copies, and the packages are installed as below', async () => {
    const all = await instructions()
    for (const [name, rest] of all) {
      if (name !== 'COPY' || rest.startsWith('--from')) continue
      const [source = ''] = rest.split(' ')
      expect((await readFile(join(REPOSITORY, source)).catch(() => source)).length).toBeGreaterThan(
        0,
      )
    }
    expect(all.map(([, rest]) => rest)).toContain(`pnpm ${installation('/memshard').join(' ')}`)
  })
})

describe('the image', () => {
  let root = ''
  let path = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'memshard-image-'))
    await chmod(root, 0o755)
    installServer(join(root, 'memshard'))
    const bin = join(root, 'bin')
    await mkdir(bin)
    await symlink('../memshard/bin/memshard-server', join(bin, 'memshard-server'))
    await symlink('memshard-server', join(bin, 'memcached'))
    const client = '../memshard/node_modules/@memshard/client/bin/memshard'
    await symlink(client, join(bin, 'memshard'))
    path = `${bin}:${process.env.PATH}`
  }, INSTALL_DEADLINE_MS)
  afterAll(() => rm(root, { recursive: true, force: true }))

  function run(...argv: string[]): { said: string; pid: number } {
    const env = { ...process.env, PATH: path }
    const { stdout, pid } = spawnSync('sh', [ENTRYPOINT, ...argv], { env, encoding: 'utf8' })
    return { said: stdout.trim(), pid }
  }

  test('has what the server depends on in the versions of the lockfile, and nothing else', async () => {
    const installed = new Set<string>()
    const store = join(root, 'memshard/node_modules/.pnpm')
    for (const entry of await readdir(store)) {
      if (entry.includes('@', 1)) installed.add(entry.replace('+', '/').replace(/@file.*/, ''))
    }
    const expected = [...runtimeDependencies('packages/server').values()].map(
      ({ name, version }) => (name.startsWith('@memshard/') ? name : `${name}@${version}`),
    )
    expect(expected).toContain('@memshard/client')
    for (const one of installed) expect(expected).toContain(one)
    const optional = (name: string): boolean => name.startsWith('@koromix/')
    const own = '@memshard/server'
    expect(expected.filter((one) => !installed.has(one) && !optional(one))).toEqual([own])
  })

  test('takes flags alone, the names of both servers, and any other command', () => {
    expect(run('-V').said).toMatch(/^memcached 1\.6\.\d+\nmemshard-server /)
    expect(run('memshard-server', '-V').said).toBe(run('-V').said)
    expect(run('memcached', '-V').said).toBe(run('-V').said)
    expect(run('memshard', '--version').said).toMatch(/^\d+\.\d+\.\d+$/)
    const other = run('sh', '-c', 'echo "$$ $0 $#"', '-m', 'x')
    expect(other.said).toBe(`${other.pid} -m 1`)
  })

  const unshared = missing('unshare and setpriv, as root')
  describe.skipIf(unshared !== undefined)('as process 1, as 11211, on a read-only root', () => {
    interface Contained {
      readonly process: ChildProcess
      readonly exited: Promise<number | null>
      /** In this namespace. */
      readonly pid: () => Promise<number>
      readonly output: () => string
    }

    function contain(...argv: string[]): Contained {
      const script = `
        mount --make-rprivate /
        mount -o remount,ro,bind /
        mount -t proc proc /proc
        exec setpriv --reuid 11211 --regid 11211 --clear-groups --bounding-set=-all --no-new-privs sh "$@"`
      const child = spawn(
        'unshare',
        [
          '--mount',
          '--pid',
          '--fork',
          '--kill-child',
          'sh',
          '-ec',
          script,
          '-',
          ENTRYPOINT,
          ...argv,
        ],
        { env: { ...process.env, PATH: path }, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] },
      )
      let output = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text
        })
      }
      return {
        process: child,
        exited: once(child, 'exit').then(([code]) => code),
        output: () => output,
        pid: async () => {
          const children = `/proc/${child.pid}/task/${child.pid}/children`
          return Number((await readFile(children, 'utf8')).trim())
        },
      }
    }

    test.each(['SIGTERM', 'SIGUSR1', 'SIGINT'] as const)(
      'it serves, and ends with 0 on %s',
      async (signal) => {
        const port = await freePort()
        const contained = contain('-l', '127.0.0.1', '-p', String(port), '-t', '2')
        try {
          const endpoint = { host: '127.0.0.1', port }
          const wire = await served(endpoint)
          expect(await wire.say('set a 0 0 1\r\nx\r\nget a\r\n')).toBe(
            'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n',
          )
          expect(await wire.say('stats\r\n')).toMatch(/STAT pid 1\r\n/)
          const pid = await contained.pid()
          const status = await readFile(`/proc/${pid}/status`, 'utf8')
          expect(status).toMatch(/^Uid:\t11211\t11211\t11211\t11211$/m)
          expect(status).toMatch(/^CapBnd:\t0+$/m)
          const mounts = await readFile(`/proc/${pid}/mounts`, 'utf8')
          expect(mounts).toMatch(/^\S+ \/ \S+ ro,/m)
          wire.destroy()
          process.kill(pid, signal)
          expect(await contained.exited).toBe(0)
          expect(contained.output()).not.toMatch(/error|EROFS/i)
        } finally {
          contained.process.kill('SIGKILL')
        }
      },
    )

    test('its health is asked by its own executable', async () => {
      const port = await freePort()
      const environment = join(root, 'ask')
      await writeFile(environment, `#!/bin/sh\nPORT=${port} exec memshard-server --healthcheck\n`, {
        mode: 0o755,
      })
      expect(await contain(environment).exited).toBe(1)
      const contained = contain('-l', '127.0.0.1', '-p', String(port))
      try {
        const wire = await served({ host: '127.0.0.1', port })
        wire.destroy()
        expect(await contain(environment).exited).toBe(0)
        process.kill(await contained.pid(), 'SIGTERM')
        expect(await contained.exited).toBe(0)
      } finally {
        contained.process.kill('SIGKILL')
      }
    })
  })
})
