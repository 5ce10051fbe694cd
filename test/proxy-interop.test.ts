// The clients that applications use, through the proxy in front of three nodes: the sessions of interop/, each client through
// its own API and taking the proxy for one memcached; and memccapable, which tests a server.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing, type Peer, PYTHON } from './peers.ts'
import { type RunningProxy, startProxy } from './proxying.ts'

type Session = readonly [client: Peer, protocol: string, command: string, script: string]

const SESSIONS: readonly Session[] = [
  ['libmemcached tools', 'text', 'sh', 'libmemcached_session.sh'],
  ['libmemcached tools', 'binary', 'sh', 'libmemcached_session.sh'],
  ['pylibmc', 'text', PYTHON, 'pylibmc_session.py'],
  ['pylibmc', 'binary', PYTHON, 'pylibmc_session.py'],
  ['pymemcache', 'text', PYTHON, 'pymemcache_session.py'],
  ['php-memcached', 'text', 'php', 'php_session.php'],
  ['php-memcached', 'binary', 'php', 'php_session.php'],
  ['dalli', 'binary', 'ruby', 'dalli_session.rb'],
  ['Cache::Memcached::Fast', 'text', 'perl', 'cache_memcached_fast_session.pl'],
  ['memjs', 'binary', process.execPath, 'memjs_session.js'],
  ['memcached (npm)', 'text', process.execPath, 'node_memcached_session.js'],
]
const DEADLINE_MS = 60_000

const run = promisify(execFile)

describe('through the proxy', () => {
  let nodes: readonly RunningNode[] = []
  let proxy: RunningProxy

  beforeAll(async () => {
    nodes = await Promise.all([0, 1, 2].map(() => startNode({ args: ['-t', '1'] })))
    const addresses = nodes.map(({ address }) => address).join()
    proxy = await startProxy({ flags: ['-s', addresses, '--timeout', '10000'] })
  })
  afterAll(async () => {
    await proxy?.stop('SIGKILL')
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
  })

  for (const [client, protocol, command, script] of SESSIONS) {
    test(`${client}, ${protocol} protocol`, { timeout: DEADLINE_MS }, async ({ skip }) => {
      const reason = missing(client)
      skip(reason !== undefined, reason)
      const path = fileURLToPath(new URL(`interop/${script}`, import.meta.url))
      const { stdout } = await run(command, [path, protocol, proxy.address], {
        timeout: DEADLINE_MS,
        env: { ...process.env, THROUGH_PROXY: '1' },
      })
      expect(stdout).toMatch(/^ok \d/m)
    })
  }

  test.for([
    ['-a', 18],
    ['-b', 27],
  ] as const)(
    'memccapable %s passes every test',
    { timeout: DEADLINE_MS },
    async ([flag, tests], { skip }) => {
      const reason = missing('memccapable')
      skip(reason !== undefined, reason)
      const argv = [flag, '-h', proxy.host, '-p', String(proxy.port)]
      const { stdout } = await run('memccapable', argv, { timeout: DEADLINE_MS })
      expect(stdout).not.toMatch(/fail\]/i)
      expect(stdout.match(/\[pass\]/gi)?.length).toBeGreaterThanOrEqual(tests)
      expect(stdout).toMatch(/All tests passed/)
    },
  )
})
