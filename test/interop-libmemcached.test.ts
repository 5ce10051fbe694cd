// The programs that come with libmemcached: memccapable, which tests a server, and memcaslap, which puts
// load on it and verifies what it gets back. Both over four threads.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

/** The ascii tests of libmemcached 1.1.4. */
const ASCII_TESTS = 18
const DEADLINE_MS = 60_000

const run = promisify(execFile)

describe.each(['epoll', 'node'])('over %s', (transport) => {
  let node: RunningNode

  beforeAll(async () => {
    node = await startNode({ args: ['-t', '4', '--transport', transport] })
  })
  afterAll(() => node?.stop('SIGKILL'))

  test('memccapable -a passes every ascii test', { timeout: DEADLINE_MS }, async ({ skip }) => {
    const reason = missing('memccapable')
    skip(reason !== undefined, reason)
    const { stdout } = await run('memccapable', ['-a', '-h', node.host, '-p', String(node.port)], {
      timeout: DEADLINE_MS,
    })
    const results = stdout.match(/\[(?:pass|FAIL)\]/gi) ?? []
    expect(stdout).not.toMatch(/fail\]/i)
    expect(results.length).toBeGreaterThanOrEqual(ASCII_TESTS)
    expect(stdout).toMatch(/All tests passed/)
  })

  test('memcaslap reads back all it has written', { timeout: DEADLINE_MS }, async ({ skip }) => {
    const reason = missing('memcaslap')
    skip(reason !== undefined, reason)
    const load = ['-T', '2', '-c', '16', '-x', '20000', '-X', '512', '-v', '1', '-d', '4']
    const { stdout } = await run('memcaslap', ['-s', node.address, ...load], {
      timeout: DEADLINE_MS,
    })
    const summary = new Map(
      [...stdout.matchAll(/^(\w+): (\d+)/gm)].map(([, name = '', count]) => [name, Number(count)]),
    )
    expect(summary.get('cmd_set')).toBeGreaterThan(0)
    expect(summary.get('cmd_get')).toBeGreaterThan(summary.get('cmd_set') ?? 0)
    expect(summary.get('get_misses')).toBe(0)
    expect(summary.get('verify_misses')).toBe(0)
    expect(summary.get('verify_failed')).toBe(0)
  })
})
