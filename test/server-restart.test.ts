// Warm restart (`-e`): what a real process leaves behind, whichever way it ends, and finds when it starts again;
// under load and with threads. How it is killed again and again: server-kill.test.ts.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { start } from './processes.ts'
import { statistic, statistics, Wire } from './wire.ts'

const EX_OSERR = 71

let directory: string
let memoryFile: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  memoryFile = join(directory, 'items')
})
afterEach(() => rmSync(directory, { recursive: true }))

const startOnFile = (...args: string[]): Promise<RunningNode> =>
  startNode({ args: ['-e', memoryFile, '-m', '32', ...args] })

async function exchange(node: RunningNode, request: string): Promise<string> {
  await using wire = await Wire.connect(node)
  return await wire.say(request)
}

const ENDS = ['SIGUSR1', 'SIGTERM', 'SIGINT', 'SIGKILL'] as const

test.each(ENDS)(
  '%s, and the next start has every item, its flags, CAS unique and expiry',
  async (end) => {
    const large = 'v'.repeat(900_000)
    let before: string
    {
      await using node = await startOnFile()
      await exchange(node, `set a 7 0 1\r\nx\r\nset large 0 100 ${large.length}\r\n${large}\r\n`)
      await exchange(node, 'ms stale 1\r\nx\r\nmd stale I\r\n')
      before = await exchange(node, 'gets a large\r\n')
      expect(before).toContain(large)
      expect(await node.stop(end)).toBe(end === 'SIGKILL' ? end : 0)
    }
    await using node = await startOnFile('-t', '2')
    expect(await exchange(node, 'gets a large\r\n')).toBe(before)
    expect(await exchange(node, 'mg stale v\r\n')).toBe('VA 1 X W\r\nx\r\n')
    expect(await exchange(node, 'mg large t\r\n')).toMatch(/^HD t(100|[5-9]\d)\r\n$/)
    expect(await statistic(node, 'curr_items')).toBe(3)
    expect(await statistic(node, 'get_hits')).toBe(4)
    expect((await statistics(node, 'settings')).get('memory_file')).toBe(memoryFile)
  },
)

test.each(ENDS)('%s, and what was invalidated before doesn’t come back', async (end) => {
  {
    await using node = await startOnFile()
    await exchange(node, 'set p:1 0 0 1\r\nx\r\nset p:2 0 0 1\r\nx\r\nset q:1 0 0 1\r\nx\r\n')
    await exchange(node, 'ms p:given 1 E9999999\r\nx\r\n')
    expect(await exchange(node, 'invalidate_prefix p:\r\n')).toBe('OK\r\n')
    await exchange(node, 'set p:2 0 0 1\r\ny\r\n')
    await node.stop(end)
  }
  await using node = await startOnFile()
  expect(await exchange(node, 'get p:1 p:2 p:given q:1\r\n')).toBe(
    'VALUE p:2 0 1\r\ny\r\nVALUE q:1 0 1\r\nx\r\nEND\r\n',
  )
  expect(await exchange(node, 'list_prefix p:\r\n')).toMatch(/^key=p%3A2 [^\n]*\nEND\r\n$/)
  expect(await exchange(node, 'set p:1 0 0 1\r\nz\r\nget p:1\r\n')).toContain('\r\nz\r\n')
})

test('a start that fails takes nothing away', async () => {
  {
    await using node = await startOnFile()
    await exchange(node, 'set a 0 0 1\r\nx\r\n')
    await node.stop('SIGTERM')
  }
  {
    await using occupant = await startNode()
    const args = ['-l', '127.0.0.1', '-p', String(occupant.port), '-e', memoryFile, '-m', '32']
    await using server = start(args)
    expect(await server.exited).toBe(EX_OSERR)
  }
  await using node = await startOnFile()
  expect(await exchange(node, 'get a\r\n')).toContain('VALUE a')
})

test('`shutdown graceful` keeps the items as well', async () => {
  {
    await using node = await startOnFile('-A')
    await using wire = await Wire.connect(node)
    await wire.ask('set a 0 0 1\r\nx\r\n')
    wire.send('shutdown graceful\r\n')
    await wire.readToEnd()
    await node.stop('SIGUSR1')
  }
  await using node = await startOnFile()
  expect(await exchange(node, 'get a\r\n')).toContain('VALUE a')
})

test.each(['SIGTERM', 'SIGKILL'] as const)(
  '%s in the middle of a load with evictions, and every item found is the one stored',
  async (end) => {
    const valueUnder = (key: number): string => `${key}.`.repeat(200)
    {
      await using node = await startOnFile('-t', '4')
      const wires = await Promise.all(Array.from({ length: 4 }, () => Wire.connect(node)))
      for (const [i, wire] of wires.entries()) {
        let sets = ''
        for (let key = i; key < 60_000; key += wires.length) {
          sets += `set k${key} 0 0 ${valueUnder(key).length} noreply\r\n${valueUnder(key)}\r\n`
        }
        wire.send(sets)
      }
      // Not at the end: the signal finds values half received, answers half sent and a full cache.
      await expect
        .poll(() => statistic(node, 'evictions'), { timeout: 20_000 })
        .toBeGreaterThan(100)
      await node.stop(end)
      for (const wire of wires) wire.destroy()
    }
    await using node = await startOnFile('-t', '4')
    await using wire = await Wire.connect(node)
    let found = 0
    for (let key = 0; key < 60_000; key++) {
      const answer = await wire.say(`get k${key}\r\n`)
      if (answer === 'END\r\n') continue
      found++
      const value = valueUnder(key)
      expect(answer).toBe(`VALUE k${key} 0 ${value.length}\r\n${value}\r\nEND\r\n`)
    }
    expect(found).toBe(await statistic(node, 'curr_items'))
    expect(found).toBeGreaterThan(1000)
    // And the cache goes on: it takes new items and evicts old ones.
    for (let key = 0; key < 60_000; key++) {
      wire.send(`set n${key} 0 0 ${valueUnder(key).length} noreply\r\n${valueUnder(key)}\r\n`)
    }
    expect(await wire.say('get n59999\r\n')).toContain(valueUnder(59_999))
  },
  90_000,
)

describe('it starts empty', () => {
  test('with another memory limit, and says so', async () => {
    {
      await using node = await startOnFile()
      await exchange(node, 'set a 0 0 1\r\nx\r\n')
      await node.stop('SIGUSR1')
    }
    await using node = await startNode({ args: ['-e', memoryFile, '-m', '64'] })
    expect(await exchange(node, 'get a\r\n')).toBe('END\r\n')
    expect(node.output()).toMatch(/"level":"warn".*other settings \(-m\)/)
  })
})

describe('it does not start', () => {
  const starting = async (...args: string[]): Promise<readonly [unknown, string]> => {
    await using server = start(['-l', '127.0.0.1', '-p', '-1', '-e', memoryFile, ...args])
    return [await server.exited, server.stderr()]
  }

  test('beside metadata of memcached', async () => {
    writeFileSync(`${memoryFile}.meta`, '')
    expect(await starting()).toEqual([EX_OSERR, expect.stringMatching(/must be memcached's/)])
  })

  test('on somebody’s document, which stays as it is', async () => {
    writeFileSync(memoryFile, 'Dear diary')
    expect(await starting()).toEqual([EX_OSERR, expect.stringMatching(/left as it is/)])
    expect(readFileSync(memoryFile, 'utf8')).toBe('Dear diary')
  })

  test('on the file of a server that runs', async () => {
    await using _ = await startOnFile()
    expect(await starting()).toEqual([EX_OSERR, expect.stringMatching(/in use/)])
  })

  test('over the node transport', async () => {
    const refused = [EX_OSERR, expect.stringMatching(/-e needs direct system calls/)]
    expect(await starting('--transport', 'node')).toEqual(refused)
  })
})
