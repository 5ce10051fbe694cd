// `memshard up` as people run it: a formation of real nodes, scaled while a client works with it, with nodes that crash,
// and nothing left when it ends. And the Procfile, run by foreman.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Client, fileDiscovery } from '@memshard/client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from './nodes.ts'
import { missing } from './peers.ts'
import { isAlive } from './processes.ts'
import { REPOSITORY } from './repository.ts'

const MEMSHARD = join(REPOSITORY, 'packages/client/bin/memshard')
/** A busy machine must not fail what is not about deadlines. */
const PATIENT = { timeout: 20_000, connectTimeout: 20_000 }
const AS_ROOT = process.getuid?.() === 0 ? ['-u', 'root'] : []

interface Status {
  readonly name: string
  readonly address: string
  readonly state: string
  readonly pid: number
  readonly restarts: number
}

let directory: string
let file: string
let up: ChildProcess | undefined
let output = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'memshard-up-'))
  file = join(directory, 'nodes')
  output = ''
})

afterEach(async () => {
  await end('SIGTERM')
  await rm(directory, { recursive: true, force: true })
})

function run(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [MEMSHARD, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Starts a formation, and waits until it has its nodes. */
async function raise(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const child = run(['up', '-f', file, ...args], env)
  up = child
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (more: string) => {
      output += more
    })
  }
  await expect.poll(() => output).toContain('the list of nodes is in')
}

async function end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | undefined> {
  if (up === undefined) return undefined
  const child = up
  up = undefined
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  if (child.exitCode === null && child.signalCode === null) child.kill(signal)
  else return child.exitCode ?? undefined
  const [code, by] = await exited
  return by ?? code ?? undefined
}

async function memshard(
  ...args: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  const child = run([...args, '-f', file])
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close') as Promise<[number]>,
  ])
  return { code, out, err }
}

async function status(): Promise<readonly Status[]> {
  return JSON.parse((await memshard('--json', 'status')).out) as Status[]
}

async function listed(): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => /^[^#]/.test(line))
}

const firstPort = async (): Promise<string[]> => ['-p', String(await freePort())]
const SMALL = ['-m', '16', '--threads', '1']

/** A client that goes on asking for the same keys, storing those that it misses. */
class Load {
  readonly misses = new Set<string>()
  readonly errors: unknown[] = []
  readonly #client: Client
  readonly #keys: readonly string[]
  #stopped = false
  #rounds = 0
  readonly #done: Promise<void>

  constructor(client: Client, keys: readonly string[]) {
    this.#client = client
    this.#keys = keys
    this.#done = this.#run()
  }

  /** Waits until every key was asked for since now. */
  async round(): Promise<void> {
    const from = this.#rounds
    await expect.poll(() => this.#rounds).toBeGreaterThan(from + 1)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(): Promise<void> {
    for (; !this.#stopped; this.#rounds++) {
      await Promise.all(this.#keys.map((key) => this.#ask(key)))
    }
  }

  async #ask(key: string): Promise<void> {
    try {
      const value = await this.#client.get(key)
      if (value === `value of ${key}`) return
      if (value !== undefined) throw new Error(`${key} has ${JSON.stringify(value)}`)
      this.misses.add(key)
      await this.#client.set(key, `value of ${key}`)
    } catch (error) {
      this.errors.push(error)
    }
  }
}

describe('memshard up', () => {
  test('scaled 2 -> 5 -> 3 under load, only keys that have another node are missed', async () => {
    await raise(['-n', '2', ...SMALL, ...(await firstPort()), '--', ...AS_ROOT])
    expect(output).toMatch(/MEMCACHE_SERVERS=127\.0\.0\.1:\d+,127\.0\.0\.1:\d+/)
    await using cache = new Client({ nodes: fileDiscovery(file), ...PATIENT })
    const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`)
    await Promise.all(keys.map((key) => cache.set(key, `value of ${key}`)))
    const ownerOf = (key: string): string | undefined => cache.locate(key)?.name

    const load = new Load(cache, keys)
    await load.round()
    expect(load.misses.size).toBe(0)
    for (const count of [5, 3]) {
      const before = new Map(keys.map((key) => [key, ownerOf(key)]))
      load.misses.clear()
      expect((await memshard('scale', String(count))).code).toBe(0)
      await expect.poll(() => cache.nodes.length).toBe(count)
      await load.round()
      const moved = new Set(keys.filter((key) => ownerOf(key) !== before.get(key)))
      const unexpected = [...load.misses].filter((key) => !moved.has(key))
      expect(unexpected).toEqual([])
      // Of 2 to 5 nodes three fifths move, of 5 to 3 two; that is what consistent hashing is for.
      const share = moved.size / keys.length
      expect(share).toBeGreaterThan(0.25)
      expect(share).toBeLessThan(0.75)
      if (count === 5) expect(load.misses.size).toBe(moved.size)
      expect(await listed()).toHaveLength(count)
    }
    await load.stop()
    expect(load.errors).toEqual([])
  })

  test('starts a node again that crashes, in its place', async () => {
    await raise(['-n', '2', ...SMALL, ...(await firstPort()), '--', ...AS_ROOT])
    const [first, second] = await status()
    process.kill(second!.pid, 'SIGKILL')
    await expect.poll(async () => (await status())[1]?.restarts).toBe(1)
    await expect.poll(async () => (await status())[1]?.state).toBe('up')
    const [stays, again] = await status()
    expect(stays).toEqual(first)
    expect(again).toMatchObject({ address: second!.address, state: 'up' })
    expect(again!.pid).not.toBe(second!.pid)
    expect(output).toMatch(/node\.2 +\| ended by itself \(SIGKILL\)/)
    expect((await memshard('restart', '1')).code).toBe(0)
    expect((await status())[0]?.pid).not.toBe(first!.pid)
    expect(await listed()).toEqual([first!.address, second!.address])
  })

  test.each([['SIGTERM'], ['SIGINT'], ['down']] as const)('ends all by %s', async (how) => {
    await raise(['-n', '2', ...SMALL, ...(await firstPort()), '--', ...AS_ROOT, '-v'])
    const pids = (await status()).map(({ pid }) => pid)
    const exited = once(up!, 'exit')
    if (how === 'down') expect((await memshard('down')).code).toBe(0)
    else up!.kill(how)
    expect(await exited).toEqual([0, null])
    expect(pids.filter(isAlive)).toEqual([])
    expect(existsSync(file)).toBe(false)
    expect(existsSync(`${file}.control`)).toBe(false)
    // What nodes write stands behind their names.
    expect(output).toMatch(/^\d\d:\d\d:\d\d node\.1 +\| .*serving/m)
    expect(output).toMatch(/^\d\d:\d\d:\d\d node\.2 +\| .*stopped/m)
  })

  test.skipIf(!existsSync('/usr/bin/setpriv'))('leaves no node when it is killed', async () => {
    await raise(['-n', '2', ...SMALL, ...(await firstPort()), '--', ...AS_ROOT])
    const pids = (await status()).map(({ pid }) => pid)
    expect(await end('SIGKILL')).toBe('SIGKILL')
    await expect.poll(() => pids.filter(isAlive)).toEqual([])
  })

  test.skipIf(missing('memcached'))('runs any server', async () => {
    const command = `memcached ${AS_ROOT.join(' ')} -l {host} -p {port} -m {memory}`
    await raise(['-n', '2', '-m', '32', ...(await firstPort()), '--command', command])
    await using cache = new Client({ nodes: fileDiscovery(file), ...PATIENT })
    expect([...(await cache.stats()).values()].map((stats) => stats.get('limit_maxbytes'))).toEqual(
      ['33554432', '33554432'],
    )
  })

  test('takes its first port from PORT, and passes over those that are taken', async () => {
    const port = await freePort()
    await raise(['-n', '1', ...SMALL, '--', ...AS_ROOT], { PORT: String(port) })
    expect(await listed()).toEqual([`127.0.0.1:${port}`])
    const other = file
    file = join(directory, 'others')
    const second = run([
      'up',
      '-f',
      file,
      '-n',
      '1',
      ...SMALL,
      '-p',
      String(port),
      '--',
      ...AS_ROOT,
    ])
    try {
      await expect.poll(() => existsSync(file)).toBe(true)
      expect(await listed()).not.toEqual([`127.0.0.1:${port}`])
    } finally {
      const ended = once(second, 'exit')
      second.kill('SIGTERM')
      await ended
      file = other
    }
  })

  test('refuses nonsense, and what another formation has', async () => {
    expect(await memshard('up', '-n', '0')).toMatchObject({ code: 2, err: /above 0/ })
    expect(await memshard('up', '--command', 'memcached')).toMatchObject({
      code: 2,
      err: /\{port\}/,
    })
    expect(await memshard('status')).toMatchObject({ code: 2, err: /no formation answers/ })
    await raise(['-n', '1', ...SMALL, ...(await firstPort()), '--', ...AS_ROOT])
    expect(await memshard('up', '-n', '1')).toMatchObject({ code: 2, err: /running here already/ })
    expect(await memshard('scale', '0')).toMatchObject({ code: 2, err: /1 to 64 nodes/ })
    expect(await memshard('scale', 'many')).toMatchObject({ code: 2, err: /1 to 64 nodes/ })
    expect(await memshard('restart', '7')).toMatchObject({ code: 2, err: /no node 7/ })
    expect((await status()).map(({ name }) => name)).toEqual(['node.1'])
  })
})

test.skipIf(missing('foreman'))('the Procfile runs under foreman', async () => {
  // The second gets the next.
  const base = await freePort()
  const foreman = spawn('foreman', ['start', '-m', 'cache=2', '-p', String(base)], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    await using cache = new Client({
      nodes: [`127.0.0.1:${base}`, `127.0.0.1:${base + 1}`],
      ...PATIENT,
    })
    await expect
      .poll(() =>
        cache.version().then(
          (versions) => versions.size,
          () => 0,
        ),
      )
      .toBe(2)
    expect(await cache.set('key', 'value')).toBe(true)
  } finally {
    const ended = once(foreman, 'exit')
    foreman.kill('SIGTERM')
    await ended
  }
})
