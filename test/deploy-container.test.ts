// The container image as an engine (podman) builds it from the Dockerfile and runs it: the conventions of the official
// memcached image, nothing that it may not need, signals, its health, the limit of its memory. Its base is not the one of
// the Dockerfile's FROM, which has to be fetched, but a Debian of ours with this Node.js, by that name. On request, because it takes
// minutes to make: `pnpm deployments`.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeControlGroups } from './control-groups.ts'
import { makeDebianRoot, succeed } from './debian-root.ts'
import { freePort } from './nodes.ts'
import { DEPLOYMENTS, missing } from './peers.ts'
import { served } from './processes.ts'
import { REPOSITORY } from './repository.ts'
import { statistics } from './wire.ts'

const BASE = 'docker.io/library/node:20-bookworm-slim'
const IMAGE = 'localhost/memshard'
const MAKE_DEADLINE_MS = 1_200_000
const MEBIBYTE = 2 ** 20
/** What it may have in a production that trusts nobody. */
const STRICT = ['--read-only', '--cap-drop=all', '--security-opt=no-new-privileges']

const run = promisify(execFile)
const absent = DEPLOYMENTS
  ? (missing('debootstrap') ?? missing('podman and runc'))
  : 'not asked for'

/** podman with images and containers of its own, which needs neither an overlay file system nor a systemd. */
class Engine {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  arguments(...argv: readonly string[]): string[] {
    const own = { root: 'images', runroot: 'run', tmpdir: 'tmp' }
    return [
      ...Object.entries(own).map(([option, name]) => `--${option}=${join(this.#directory, name)}`),
      '--storage-driver=vfs',
      '--runtime=runc',
      '--cgroup-manager=cgroupfs',
      '--events-backend=none',
      ...argv,
    ]
  }

  says(...argv: readonly string[]): string {
    return succeed('podman', ...this.arguments(...argv)).trim()
  }

  status(...argv: readonly string[]): number | null {
    return spawnSync('podman', this.arguments(...argv), { stdio: 'ignore' }).status
  }

  /** Starts a container, with options of `podman run` and the image's own arguments; resolves when it serves. */
  async serves(
    options: readonly string[],
    ...argv: readonly string[]
  ): Promise<Container & { readonly port: number }> {
    const port = await freePort()
    const id = this.says(
      'run',
      '--detach',
      ...LIMITS,
      ...options,
      `--env=PORT=${port}`,
      IMAGE,
      ...argv,
    )
    const container = new Container(this, id)
    const wire = await served({ host: '127.0.0.1', port }).catch((error) => {
      throw new Error(container.log(), { cause: error })
    })
    wire.destroy()
    return Object.assign(container, { port })
  }
}

/** No more than who runs the tests has, who may not raise them; and the network of the machine, so as to need no bridge. */
const LIMITS = ['--ulimit=nofile=4096:4096', '--ulimit=nproc=1000:1000', '--network=host']

class Container implements AsyncDisposable {
  readonly #engine: Engine
  readonly #id: string

  constructor(engine: Engine, id: string) {
    this.#engine = engine
    this.#id = id
  }

  /** One of its properties, by a template of Go's. */
  property(template: string): string {
    return this.#engine.says('inspect', '--format', `{{${template}}}`, this.#id)
  }

  log(): string {
    return this.#engine.says('logs', this.#id)
  }

  exec(...argv: readonly string[]): string {
    return this.#engine.says('exec', this.#id, ...argv)
  }

  /** Whether its health check finds it well, as an engine runs it. */
  healthy(): boolean {
    return this.#engine.status('healthcheck', 'run', this.#id) === 0
  }

  /** Resolves to the exit code. */
  async ends(verb: 'stop' | 'kill', ...options: readonly string[]): Promise<number> {
    this.#engine.says(verb, ...options, this.#id)
    return Number(this.#engine.says('wait', this.#id))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('podman', this.#engine.arguments('rm', '--force', '--time=0', this.#id))
  }
}

describe.skipIf(absent !== undefined)('the image', () => {
  let directory = ''
  let engine: Engine
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memshard-container-'))
    engine = new Engine(directory)
    const root = join(directory, 'base')
    await makeDebianRoot(root, [])
    const local = join(root, 'usr/local')
    const npm = join(dirname(await realpath(succeed('sh', '-c', 'command -v npm').trim())), '..')
    await cp(npm, join(local, 'lib/node_modules/npm'), { recursive: true })
    for (const name of ['npm', 'npx']) {
      await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name))
    }
    const changes = ['CMD ["node"]']
    // Whom this machine trusts, so must the one that is built on it.
    const authorities = process.env.NODE_EXTRA_CA_CERTS
    if (authorities !== undefined && existsSync(authorities)) {
      await mkdir(join(root, 'etc/ssl/certs'), { recursive: true })
      await copyFile(authorities, join(root, 'etc/ssl/certs/more.crt'))
      changes.push('ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/more.crt')
    }
    const archive = join(directory, 'base.tar')
    succeed('tar', '--create', '--file', archive, '--directory', root, '.')
    engine.says('import', ...changes.map((change) => `--change=${change}`), archive, BASE)
    await rm(root, { recursive: true })
    await rm(archive)
    const dockerfile = join(REPOSITORY, 'deploy/docker/Dockerfile')
    engine.says(
      ...[
        'build',
        '--format=docker',
        '--isolation=chroot',
        '--network=host',
        '--pull=never',
        '--layers=false',
      ],
      ...[`--ignorefile=${dockerfile}.dockerignore`, `--file=${dockerfile}`, `--tag=${IMAGE}`],
      REPOSITORY,
    )
  }, MAKE_DEADLINE_MS)
  afterAll(async () => {
    engine?.status('system', 'reset', '--force')
    removeControlGroups('libpod_parent')
    await rm(directory, { recursive: true, force: true })
  }, MAKE_DEADLINE_MS)

  test('has the conventions of the official one, and a health check', () => {
    const { Config: config } = JSON.parse(engine.says('image', 'inspect', IMAGE))[0]
    expect(config).toMatchObject({
      User: 'memcache',
      ExposedPorts: { '11211/tcp': {} },
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['memshard-server'],
      StopSignal: 'SIGUSR1',
    })
    const [{ Healthcheck: check }] = JSON.parse(engine.says('image', 'inspect', IMAGE))
    expect(check.Test).toEqual(['CMD', 'memshard-server', '--healthcheck'])
  })

  test('adds less than 40 MiB to its base', () => {
    const size = (image: string): number =>
      Number(engine.says('image', 'inspect', '--format', '{{.Size}}', image))
    expect((size(IMAGE) - size(BASE)) / MEBIBYTE).toBeLessThan(40)
  })

  test('takes flags alone, the names of both servers, and other commands', () => {
    const says = (...argv: string[]): string =>
      engine.says('run', '--rm', ...LIMITS, IMAGE, ...argv)
    const version = says('-V')
    expect(version).toMatch(/^memcached 1\.6\.\d+\nmemshard-server /)
    expect(says('memcached', '-V')).toBe(version)
    expect(says('memshard', '--version')).toMatch(/^\d+\.\d+\.\d+$/)
    expect(says('id')).toBe('uid=11211(memcache) gid=11211(memcache) groups=11211(memcache)')
  })

  test('serves by epoll where the engine’s seccomp profile refuses io_uring', async () => {
    await using container = await engine.serves(STRICT, '-v')
    expect(container.log()).toContain('io_uring is not to be had here (io_uring_setup: ')
    const general = await statistics({ host: '127.0.0.1', port: container.port }, '')
    expect(general.get('libevent')).toBe('epoll')
    expect(general.get('pid')).toBe('1')
    const status = container.exec('cat', '/proc/1/status')
    expect(status).toMatch(/^CapBnd:\t0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(status).toMatch(/^Seccomp:\t2$/m)
    expect(container.healthy()).toBe(true)
  })

  test('serves by io_uring without the profile, with no capability all the same', async () => {
    await using container = await engine.serves([...STRICT, '--security-opt=seccomp=unconfined'])
    const general = await statistics({ host: '127.0.0.1', port: container.port }, '')
    expect(general.get('libevent')).toBe('uring')
  })

  test.each([
    ['stop', []],
    ['kill', ['--signal=SIGTERM']],
    ['kill', ['--signal=SIGINT']],
  ] as const)('%s %j ends it with 0', async (verb, options) => {
    await using container = await engine.serves(STRICT, '-v')
    expect(await container.ends(verb, ...options)).toBe(0)
    expect(container.log()).toMatch(/"stopped"\}$/)
  })

  test('is unhealthy where it does not serve', async () => {
    const other = await freePort()
    const id = engine.says(
      'run',
      '--detach',
      ...LIMITS,
      `--env=PORT=${other}`,
      IMAGE,
      'sleep',
      '60',
    )
    await using container = new Container(engine, id)
    expect(container.healthy()).toBe(false)
  })

  test('warns of a limit that its memory does not fit into', async () => {
    await using container = await engine.serves([...STRICT, '--memory=256m'], '-m', '1024')
    expect(container.log()).toMatch(/"level":"warn".*256/)
  })

  test('keeps to the limit that the formula gives, when it is full', async () => {
    const limit = 64 + 72 + 2 * 16
    const memory = [`--memory=${limit}m`, `--memory-swap=${limit}m`]
    await using container = await engine.serves([...STRICT, ...memory], '-m', '64', '-t', '2')
    const endpoint = { host: '127.0.0.1', port: container.port }
    await using cache = new Client({ nodes: [endpoint], timeout: 20_000 })
    const value = Buffer.alloc(10_000, 'x')
    for (let round = 0; round < 150; round++) {
      const keys = Array.from({ length: 100 }, (_, i) => `${round}:${i}`)
      await Promise.all(keys.map((key) => cache.set(key, value)))
    }
    const general = await statistics(endpoint, '')
    expect(Number(general.get('evictions'))).toBeGreaterThan(0)
    expect(container.property('.State.OOMKilled')).toBe('false')
    expect(container.property('.State.Running')).toBe('true')
    expect(await container.ends('stop')).toBe(0)
  })
})
