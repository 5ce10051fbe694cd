// Machines that mean no good: no room on the disk, too little memory, a wall clock that jumps, a process that was stopped
// for a while. What must hold: a clear message or a clean end, never a wrong answer, and nobody's time to live is harmed.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processSeconds } from './abuse.ts'
import { freePort, MEMSHARD_SERVER, type RunningNode, startNode } from './nodes.ts'
import { MIB } from './process-memory.ts'
import { type Started, served, start } from './processes.ts'
import { DIRECT_TRANSPORTS, TRANSPORTS } from './transports.ts'
import { statistic, Wire } from './wire.ts'

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
const MEMORY_GROUPS = '/sys/fs/cgroup/memory'
const isRoot = process.getuid?.() === 0
const TEST_MS = 60_000

async function fill(wire: Wire, megabytes: number): Promise<void> {
  const value = 'v'.repeat(1_000_000)
  for (let i = 0; i < megabytes; i++)
    await wire.ask(`set key-${i} 0 0 ${value.length}\r\n${value}\r\n`)
}

describe.skipIf(!isRoot)('a disk without room', () => {
  let disk: string
  const mounted = (): boolean =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', disk]).status === 0

  beforeAll(() => {
    disk = mkdtempSync(join(tmpdir(), 'memshard-disk-'))
  })
  afterAll(() => {
    rmSync(disk, { recursive: true, force: true })
  })

  /** Takes all that is left of it, but so many bytes. */
  function fillDisk(leaving = 0): void {
    const filler = join(disk, 'filler')
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M'], { stdio: 'ignore' })
    if (leaving > 0) spawnSync('truncate', ['-s', `-${leaving}`, filler])
  }

  async function onDisk(run: () => Promise<void>): Promise<void> {
    if (!mounted()) throw new Error('a file system in memory can not be mounted here')
    try {
      await run()
    } finally {
      spawnSync('umount', [disk])
    }
  }

  test.each(DIRECT_TRANSPORTS)(
    '%s: -e has all its blocks before it serves, and needs none later',
    {
      timeout: TEST_MS,
    },
    async (transport) => {
      await onDisk(async () => {
        const file = join(disk, 'items')
        const args = ['-t', '1', '-m', '64', '-e', file, '--transport', transport]
        {
          await using node = await startNode({ args })
          const { size, blocks } = statSync(file)
          expect(blocks * 512).toBeGreaterThanOrEqual(size)
          fillDisk()
          await using wire = await Wire.connect(node)
          await fill(wire, 100)
          expect(await wire.say('get key-99\r\n')).toMatch(
            /^VALUE key-99 0 1000000\r\nv+\r\nEND\r\n$/,
          )
          expect(await node.stop('SIGUSR1')).toBe(0)
        }
        // Nor to begin again.
        await using again = await startNode({ args })
        expect(await statistic(again, 'curr_items')).toBeGreaterThan(20)
        expect(await again.stop()).toBe(0)
      })
    },
  )

  test('-e without room is refused, with what to do', { timeout: TEST_MS }, async () => {
    await onDisk(async () => {
      fillDisk()
      const port = String(await freePort())
      await using server = start(['-l', '127.0.0.1', '-p', port, '-m', '64', '-e', join(disk, 'x')])
      expect(await server.exited).not.toBe(0)
      expect(server.stderr()).toMatch(/no room|no space/i)
    })
  })

  test('--snapshot without room is told of, and no half of one takes the name of a whole', {
    timeout: TEST_MS,
  }, async () => {
    await onDisk(async () => {
      const snapshot = join(disk, 'snapshot')
      const port = await freePort()
      const server = start([
        '-l',
        '127.0.0.1',
        '-p',
        String(port),
        '-m',
        '64',
        '--snapshot',
        snapshot,
      ])
      await using _ = server
      await using wire = await served({ host: '127.0.0.1', port }, server)
      await fill(wire, 30)
      fillDisk(10 * MIB)
      server.process.kill('SIGTERM')
      expect(await server.exited).toBe(0)
      expect(server.stdout() + server.stderr()).toMatch(/no snapshot could be written/)
      expect(existsSync(snapshot)).toBe(false)
    })
  })
})

type Inside = Started & { readonly port: number }

describe.skipIf(!isRoot || !existsSync(join(MEMORY_GROUPS, 'memory.limit_in_bytes')))(
  'a control group with 256 MiB',
  () => {
    const group = join(MEMORY_GROUPS, `memshard-test-${process.pid}`)

    beforeAll(() => {
      mkdirSync(group)
      writeFileSync(join(group, 'memory.limit_in_bytes'), String(256 * MIB))
    })
    afterAll(() => {
      rmdirSync(group)
    })

    /** Starts a server in the group: a shell joins it and becomes the server. */
    async function startInside(megabytes: number, ...args: readonly string[]): Promise<Inside> {
      const port = await freePort()
      const script = join(tmpdir(), `memshard-inside-${process.pid}.sh`)
      writeFileSync(
        script,
        `#!/bin/sh\necho $$ > ${group}/cgroup.procs\nexec ${MEMSHARD_SERVER} "$@"\n`,
        { mode: 0o700 },
      )
      const argv = ['-l', '127.0.0.1', '-p', String(port), '-t', '1', '-m', String(megabytes)]
      argv.push(...args)
      const server = start(argv, { executable: script })
      try {
        await (await served({ host: '127.0.0.1', port }, server))[Symbol.asyncDispose]()
      } finally {
        rmSync(script)
      }
      return Object.assign(server, { port })
    }

    async function isFilledAndLives(server: Inside): Promise<void> {
      expect(server.stdout() + server.stderr()).not.toContain('will be killed')
      await using wire = await Wire.connect({ host: '127.0.0.1', port: server.port })
      await fill(wire, 200)
      expect(await wire.say('mn\r\n')).toBe('MN\r\n')
      server.process.kill('SIGTERM')
      expect(await server.exited).toBe(0)
    }

    test('-m that fits is filled and lives', { timeout: TEST_MS }, async () => {
      const server = await startInside(96)
      await using _ = server
      await isFilledAndLives(server)
    })

    test('-m that does not fit is warned of, with what would fit', {
      timeout: TEST_MS,
    }, async () => {
      const server = await startInside(1024)
      await using _ = server
      await expect
        .poll(() => server.stdout() + server.stderr())
        .toMatch(/less than -m 1024 .* give -m 168 at most, or raise the limit/)
    })

    test('a memory file on a ram disk counts with all of its pages: what is said to fit is filled and lives', {
      timeout: 2 * TEST_MS,
    }, async () => {
      const memoryFile = join('/dev/shm', `memshard-full-${process.pid}`)
      try {
        {
          const server = await startInside(104, '-e', memoryFile)
          await using _ = server
          await expect
            .poll(() => server.stdout() + server.stderr())
            .toMatch(/with a memory file on a ram disk: .* give -m 103 at most/)
          server.process.kill('SIGTERM')
          await server.exited
          rmSync(memoryFile)
        }
        const server = await startInside(103, '-e', memoryFile)
        await using _ = server
        await isFilledAndLives(server)
      } finally {
        rmSync(memoryFile, { force: true })
      }
    })

    test('-e is whole again after the kernel has killed the server for memory', {
      timeout: 2 * TEST_MS,
    }, async () => {
      const memoryFile = join('/dev/shm', `memshard-killed-${process.pid}`)
      const keys = Array.from({ length: 500 }, (_, i) => i)
      const value = (i: number): string => `${i};`.repeat(500)
      const hogs: ChildProcess[] = []
      try {
        const server = await startInside(16, '-e', memoryFile)
        await using _ = server
        await using wire = await Wire.connect({ host: '127.0.0.1', port: server.port })
        for (const i of keys) {
          await wire.ask(`set key-${i} 0 0 ${value(i).length}\r\n${value(i)}\r\n`)
        }
        // It is killed while it stores, and not who takes the memory.
        writeFileSync(`/proc/${server.pid}/oom_score_adj`, '1000')
        const storing = (async () => {
          for (let i = 0; ; i++)
            await wire.ask(`set other-${i % 50} 0 0 ${i % 900}\r\n${'x'.repeat(i % 900)}\r\n`)
        })().catch(() => {})
        const hog = `echo $$ > ${group}/cgroup.procs; exec tail /dev/zero`
        hogs.push(spawn('sh', ['-c', hog], { stdio: 'ignore' }))
        expect(await server.exited).toBe('SIGKILL')
        await storing
        for (const hog of hogs) hog.kill('SIGKILL')

        await using again = await startNode({ args: ['-t', '1', '-m', '16', '-e', memoryFile] })
        await using reading = await Wire.connect(again)
        for (const i of keys) {
          expect(await reading.say(`get key-${i}\r\n`)).toBe(
            `VALUE key-${i} 0 ${value(i).length}\r\n${value(i)}\r\nEND\r\n`,
          )
        }
        expect(await reading.say('set key-0 0 0 1\r\nx\r\nget key-0\r\n')).toBe(
          'STORED\r\nVALUE key-0 0 1\r\nx\r\nEND\r\n',
        )
      } finally {
        for (const hog of hogs) hog.kill('SIGKILL')
        rmSync(memoryFile, { force: true })
      }
    })
  },
)

describe('a wall clock that jumps', () => {
  test.skipIf(!existsSync(FAKETIME))(
    'hours forwards and backwards, and no time to live is harmed',
    {
      timeout: TEST_MS,
    },
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'memshard-clock-'))
      const file = join(directory, 'jump')
      writeFileSync(file, '+0')
      const env = {
        LD_PRELOAD: FAKETIME,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
      }
      try {
        await using node = await startNode({ args: ['-t', '1'], env })
        await using wire = await Wire.connect(node)
        await using watcher = await Wire.connect(node)
        watcher.send('watch mutations\r\n')
        await watcher.read(4)
        await wire.ask('set never 0 0 1\r\nx\r\nset long 0 10000 1\r\nx\r\n')
        for (const [jump, hours] of [
          ['+6h', 6],
          ['-6h', -6],
          ['+0', 0],
        ] as const) {
          writeFileSync(file, jump)
          // The jump is seen: the time in a log line is the wall clock's.
          await expect
            .poll(async () => {
              await wire.ask('set told 0 0 1\r\nx\r\n')
              const lines = (await watcher.readUntil('size=1\n')).toString()
              const seconds = Number(/ts=(\d+)\.\d+ .*\n$/.exec(lines)?.[1])
              return Math.round((seconds - Date.now() / 1000) / 3600) + 0
            })
            .toBe(hours)
          const told = await wire.say('mg never t\r\nmg long t\r\n')
          const [, left] = /^HD t-1\r\nHD t(\d+)\r\n$/.exec(told) ?? []
          expect(Number(left), told).toBeGreaterThan(9_900)
          await wire.ask(`set brief-${hours} 0 1 1\r\nx\r\n`)
          await expect.poll(() => wire.say(`get brief-${hours}\r\n`)).toBe('END\r\n')
        }
      } finally {
        rmSync(directory, { recursive: true })
      }
    },
  )
})

describe.each(TRANSPORTS)('%s: a process that is stopped for a while', (transport) => {
  let node: RunningNode

  beforeAll(async () => {
    node = await startNode({ args: ['-t', '2', '--transport', transport] })
  })
  afterAll(async () => {
    await node?.stop('SIGKILL')
  })

  test('has lost no answer, knows what has expired, and does not catch up', {
    timeout: TEST_MS,
  }, async () => {
    await using wire = await Wire.connect(node)
    await wire.ask('set brief 0 2 1\r\nx\r\nset long 0 100 1\r\nx\r\nset never 0 0 1\r\nx\r\n')
    process.kill(node.pid, 'SIGSTOP')
    try {
      expect(readFileSync(`/proc/${node.pid}/stat`, 'latin1')).toMatch(/\) [TtRSD] /)
      wire.send('mg never v\r\n')
      await sleep(4_000)
    } finally {
      process.kill(node.pid, 'SIGCONT')
    }
    expect((await wire.readUntil('x\r\n')).toString()).toBe('VA 1\r\nx\r\n')
    // Its clock is a second's tick away at most; that it counts the time it was stopped, what is left of the other tells.
    await expect.poll(() => wire.say('get brief\r\n')).toBe('END\r\n')
    const [, left] = /^HD t(\d+)\r\n$/.exec(await wire.say('mg long t\r\n')) ?? []
    expect(Number(left)).toBeLessThanOrEqual(97)
    expect(Number(left)).toBeGreaterThan(70)
    const before = processSeconds(node.pid)
    await sleep(1_000)
    expect(processSeconds(node.pid) - before).toBeLessThan(0.5)
  })
})
