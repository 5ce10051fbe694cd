// `--snapshot`: real processes that stop and start again, over every transport.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startNode } from './nodes.ts'
import { TRANSPORTS } from './transports.ts'
import { statistic, Wire } from './wire.ts'

let directory: string
let snapshot: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  snapshot = join(directory, 'snapshot')
})
afterEach(() => rmSync(directory, { recursive: true }))

test.each(TRANSPORTS)('over %s, a stop leaves the items to the next start', async (transport) => {
  const args = ['--transport', transport, '--snapshot', snapshot]
  const value = 'v'.repeat(700_000)
  let before: string
  {
    await using node = await startNode({ args })
    await using wire = await Wire.connect(node)
    await wire.say(`set a 7 0 1\r\nx\r\nset large 0 100 ${value.length}\r\n${value}\r\n`)
    before = await wire.say('gets a large\r\n')
    expect(await node.stop('SIGTERM')).toBe(0)
  }
  expect(existsSync(snapshot)).toBe(true)
  await using node = await startNode({ args })
  await using wire = await Wire.connect(node)
  expect(await wire.say('gets a large\r\n')).toBe(before)
  expect(await wire.say('mg large t\r\n')).toMatch(/^HD t(100|[5-9]\d)\r\n$/)
  expect(await statistic(node, 'curr_items')).toBe(2)
  // A server that is killed must not leave what was true long ago.
  expect(existsSync(snapshot)).toBe(false)
  await node.stop('SIGKILL')
  await using empty = await startNode({ args })
  expect(await statistic(empty, 'curr_items')).toBe(0)
})
