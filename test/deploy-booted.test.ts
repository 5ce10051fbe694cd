// The systemd unit under a systemd that is process 1 of a Debian of its own (systemd-nspawn), with the files of
// deploy/systemd where a package would put them: start, reload, crash, hang, warm restart, stop, and the journal. On request,
// because a Debian has to be made for it: `pnpm deployments`.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeControlGroups } from './control-groups.ts'
import { makeDebianRoot, succeed } from './debian-root.ts'
import { DEPLOYMENTS, missing } from './peers.ts'
import { REPOSITORY } from './repository.ts'
import { installServer } from './server-installation.ts'

const UNITS = join(REPOSITORY, 'deploy/systemd')
const MAKE_DEADLINE_MS = 900_000
const BOOT_DEADLINE_MS = 120_000
const HALT_DEADLINE_MS = 30_000
const SETTLED = { timeout: 60_000 }

const absent = DEPLOYMENTS ? (missing('debootstrap') ?? missing('systemd-nspawn')) : 'not asked for'

/** A system that has booted. It has a network of its own, in which every port is free. */
class Machine {
  readonly #nspawn: ChildProcess
  readonly #root: string
  #leader = ''

  constructor(root: string) {
    this.#root = root
    this.#nspawn = spawn(
      'systemd-nspawn',
      [
        '--boot',
        '--directory',
        root,
        '--register=no',
        '--keep-unit',
        '--private-network',
        '--quiet',
      ],
      { stdio: 'ignore' },
    )
  }

  async booted(): Promise<void> {
    const { pid } = this.#nspawn
    const children = `/proc/${pid}/task/${pid}/children`
    const deadline = Date.now() + BOOT_DEADLINE_MS
    while (Date.now() < deadline) {
      await sleep(250)
      this.#leader = (await readFile(children, 'utf8')).trim()
      if (this.#leader === '') continue
      if (this.says('systemctl', 'is-system-running') === 'running') return
    }
    throw new Error(`It has not booted: ${this.says('systemctl', '--failed', '--no-pager')}`)
  }

  /** What a command in it prints, however it ends. */
  says(...argv: readonly string[]): string {
    const inside = ['--target', this.#leader, '--all', '--', ...argv]
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' }
    const { stdout, stderr } = spawnSync('nsenter', inside, { env, encoding: 'utf8' })
    return (stdout + stderr).trim()
  }

  async writes(path: string, text: string): Promise<void> {
    await writeFile(join(this.#root, path), text)
  }

  async end(): Promise<void> {
    const ended = once(this.#nspawn, 'exit')
    // systemd-nspawn has the system halt in good order, if there is one already.
    this.#nspawn.kill('SIGTERM')
    // By its process 1: systemd-nspawn, killed, would leave it running.
    const hard = setTimeout(() => process.kill(Number(this.#leader), 'SIGKILL'), HALT_DEADLINE_MS)
    await ended
    clearTimeout(hard)
    removeControlGroups('payload', 'supervisor')
  }
}

/** One of its nodes, asked by the client's own executable. */
class Unit {
  readonly #machine: Machine
  readonly #port: number
  readonly name: string

  constructor(machine: Machine, port: number) {
    this.#machine = machine
    this.#port = port
    this.name = `memshard@${port}`
  }

  systemctl(verb: string, ...options: readonly string[]): string {
    return this.#machine.says('systemctl', verb, ...options, this.name)
  }

  property(name: string): string {
    return this.#machine.says('systemctl', 'show', '--property', name, '--value', this.name)
  }

  journal(...options: readonly string[]): string {
    const cat = ['journalctl', '--output=cat', '--no-pager', `--unit=${this.name}`]
    return this.#machine.says(...cat, ...options)
  }

  memshard(...argv: readonly string[]): string {
    return this.#machine.says('memshard', '-s', `127.0.0.1:${this.#port}`, ...argv)
  }

  /** The first line of what it answers to bytes that printf writes. */
  answer(request: string): string {
    const script = `exec 3<>/dev/tcp/127.0.0.1/${this.#port}; printf '${request}' >&3; read -r line <&3; echo "$line"`
    return this.#machine.says('bash', '-c', script)
  }

  settings(text: string): Promise<void> {
    return this.#machine.writes(`etc/default/memshard.${this.#port}`, text)
  }

  async dropIn(text: string): Promise<void> {
    const directory = `etc/systemd/system/${this.name}.service.d`
    this.#machine.says('mkdir', '--parents', `/${directory}`)
    await this.#machine.writes(join(directory, 'test.conf'), text)
    this.#machine.says('systemctl', 'daemon-reload')
  }

  /** Kills its process, and waits until systemd has started another. */
  async restartedAfter(signal: string): Promise<void> {
    const before = this.property('MainPID')
    this.systemctl('kill', `--signal=${signal}`)
    const another = (): boolean => !['0', before].includes(this.property('MainPID'))
    await expect.poll(another, SETTLED).toBe(true)
    await expect.poll(() => this.systemctl('is-active'), SETTLED).toBe('active')
  }
}

describe.skipIf(absent !== undefined)('under systemd', () => {
  let directory = ''
  let machine: Machine
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memshard-booted-'))
    const root = join(directory, 'root')
    await makeDebianRoot(root, ['systemd', 'dbus'])
    installServer(join(root, 'opt/memshard'))
    const bin = join(root, 'usr/bin')
    await symlink('/opt/memshard/bin/memshard-server', join(bin, 'memshard-server'))
    const client = '/opt/memshard/node_modules/@memshard/client/bin/memshard'
    await symlink(client, join(bin, 'memshard'))
    succeed('useradd', '--root', root, '--system', '--user-group', '--no-create-home', 'memcache')
    const unit = 'memshard@.service'
    await copyFile(join(UNITS, unit), join(root, 'etc/systemd/system', unit))
    await copyFile(join(UNITS, 'memshard.default'), join(root, 'etc/default/memshard'))
    machine = new Machine(root)
    await machine.booted()
  }, MAKE_DEADLINE_MS)
  afterAll(async () => {
    await machine?.end()
    await rm(directory, { recursive: true, force: true })
  }, MAKE_DEADLINE_MS)

  test('two nodes start with the settings as they come, each when it serves', () => {
    const units = [11211, 11212].map((port) => new Unit(machine, port))
    const names = units.map(({ name }) => name)
    const said = machine.says('systemctl', 'enable', '--now', ...names)
    expect(said).not.toMatch(/failed/i)
    for (const [i, unit] of units.entries()) {
      // Of the process that is the unit's main one, or systemd would not take its word.
      expect(unit.systemctl('is-active')).toBe('active')
      const port = 11211 + i
      expect(unit.property('StatusText')).toBe(`serving on 127.0.0.1:${port}, [::1]:${port}`)
      expect(unit.memshard('set', 'a', unit.name)).toBe('')
      expect(unit.memshard('get', 'a')).toBe(unit.name)
    }
  })

  test('a node is confined as the unit says', () => {
    const unit = new Unit(machine, 11211)
    const pid = unit.property('MainPID')
    const status = machine.says('cat', `/proc/${pid}/status`)
    const user = machine.says('id', '--user', 'memcache')
    expect(status).toContain(`Uid:\t${[user, user, user, user].join('\t')}\n`)
    expect(status).toMatch(/^CapBnd:\t0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(status).toMatch(/^Seccomp:\t2$/m)
    const mounts = machine.says('cat', `/proc/${pid}/mounts`)
    expect(mounts).toMatch(/^\S+ \/ \S+ ro,/m)
  })

  test('a reload is heard by the process as it is', async () => {
    const unit = new Unit(machine, 11221)
    await unit.settings('OPTIONS="-l 127.0.0.1 -Y /etc/memshard-users"\n')
    await machine.writes('etc/memshard-users', 'ada:lovelace\n')
    unit.systemctl('start')
    const login = (): string => unit.answer('set auth 0 0 12\\r\\ngrace hopper\\r\\n')
    expect(login()).toBe('CLIENT_ERROR authentication failure')
    await machine.writes('etc/memshard-users', 'ada:lovelace\ngrace:hopper\n')
    const before = unit.property('MainPID')
    expect(unit.systemctl('reload')).toBe('')
    await expect.poll(login, SETTLED).toBe('STORED')
    expect(unit.property('MainPID')).toBe(before)
  })

  test('it is started anew after a crash, and after it has hung', async () => {
    const unit = new Unit(machine, 11231)
    await unit.dropIn('[Service]\nWatchdogSec=4\n')
    unit.systemctl('start')
    await unit.restartedAfter('SIGKILL')
    await unit.restartedAfter('SIGSTOP')
    expect(unit.property('NRestarts')).toBe('2')
    expect(machine.says('journalctl', '--no-pager', `--unit=${unit.name}`)).toMatch(
      /Watchdog timeout/,
    )
    unit.systemctl('stop')
  })

  test('a command line that makes no sense is not tried again and again', async () => {
    const unit = new Unit(machine, 11241)
    await unit.settings('OPTIONS="--admin nowhere:at:all"\n')
    expect(unit.systemctl('start')).toMatch(/failed/)
    expect(unit.systemctl('is-active')).toBe('failed')
    expect(unit.property('NRestarts')).toBe('0')
    expect(unit.journal('--priority=err')).toContain('The admin address (--admin) must be')
  })

  test('the journal has the lines with their priorities', async () => {
    const unit = new Unit(machine, 11251)
    await unit.settings('OPTIONS="-v"\n')
    unit.systemctl('start')
    const warnings = unit.journal('--priority=warning').split('\n')
    expect(warnings.map((line) => JSON.parse(line).level)).toEqual(['warn'])
    expect(unit.journal('--priority=info')).toMatch(/^\{.*"msg":"serving"\}$/m)
    unit.systemctl('stop')
    expect(unit.property('Result')).toBe('success')
    expect(unit.property('ExecMainStatus')).toBe('0')
    expect(unit.journal('--priority=info')).toMatch(/"signal":"SIGUSR1".*"stopping"/)
  })

  test('with the drop-in for warm restarts items are there again, whatever ended it', async () => {
    const unit = new Unit(machine, 11261)
    machine.says('mkdir', '--parents', '/var/cache/memshard')
    const size = 'size=200m,mode=0700,uid=memcache,gid=memcache'
    machine.says('mount', '-t', 'tmpfs', '-o', size, 'tmpfs', '/var/cache/memshard')
    await unit.settings('CACHESIZE=100\n')
    await unit.dropIn(await readFile(join(UNITS, 'warm-restart.conf'), 'utf8'))
    unit.systemctl('start')
    expect(machine.says('cat', `/proc/${unit.property('MainPID')}/cmdline`)).toContain(
      '-m\x00100\x00',
    )
    expect(unit.memshard('set', 'kept', 'by a file')).toBe('')
    const pid = unit.property('MainPID')
    unit.systemctl('restart')
    expect(unit.property('MainPID')).not.toBe(pid)
    expect(unit.memshard('get', 'kept')).toBe('by a file')
    await unit.restartedAfter('SIGKILL')
    expect(unit.memshard('get', 'kept')).toBe('by a file')
    unit.systemctl('stop')
    unit.systemctl('start')
    expect(unit.memshard('get', 'kept')).toBe('by a file')
  })
})
