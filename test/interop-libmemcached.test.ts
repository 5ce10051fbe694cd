// The programs that come with libmemcached: memccapable, which tests a server, and memcaslap, which puts
// load on it and verifies what it gets back. Both over four threads.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { TRANSPORTS } from './transports.ts'

/** What memccapable of libmemcached 1.1.4 tests of each protocol. */
const PROTOCOLS = [
  { name: 'ascii', flag: '-a', tests: 18 },
  { name: 'binary', flag: '-b', tests: 27 },
] as const
const DEADLINE_MS = 60_000

const run = promisify(execFile)

describe.each(TRANSPORTS)('over %s', (transport) => {
  let node: RunningNode

  beforeAll(async () => {
    node = await startNode({ args: ['-t', '4', '--transport', transport] })
  })
  afterAll(() => node?.stop('SIGKILL'))

  test.for(PROTOCOLS)(
    'memccapable $flag passes every $name test',
    { timeout: DEADLINE_MS },
    async ({ flag, tests }, { skip }) => {
      const reason = missing('memccapable')
      skip(reason !== undefined, reason)
      const target = ['-h', node.host, '-p', String(node.port)]
      const { stdout } = await run('memccapable', [flag, ...target], { timeout: DEADLINE_MS })
      const results = stdout.match(/\[(?:pass|FAIL)\]/gi) ?? []
      expect(stdout).not.toMatch(/fail\]/i)
      expect(results.length).toBeGreaterThanOrEqual(tests)
      expect(stdout).toMatch(/All tests passed/)
    },
  )

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
