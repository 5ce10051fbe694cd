// The clients that applications use go through their whole vocabulary, each through its own API, against one node
// and against three. The sessions are in interop/: they check, this only runs them. Against memcached too, which
// shows that a session expects nothing that memcached would not do.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing, type Peer, PYTHON } from './peers.ts'

interface Session {
  readonly client: Peer
  readonly protocols: readonly ('text' | 'binary')[]
  readonly command: string
  /** In the directory interop/. */
  readonly script: string
}

const SESSIONS: readonly Session[] = [
  {
    client: 'libmemcached tools',
    protocols: ['text', 'binary'],
    command: 'sh',
    script: 'libmemcached_session.sh',
  },
  {
    client: 'pylibmc',
    protocols: ['text', 'binary'],
    command: PYTHON,
    script: 'pylibmc_session.py',
  },
  { client: 'pymemcache', protocols: ['text'], command: PYTHON, script: 'pymemcache_session.py' },
  {
    client: 'php-memcached',
    protocols: ['text', 'binary'],
    command: 'php',
    script: 'php_session.php',
  },
  { client: 'dalli', protocols: ['binary'], command: 'ruby', script: 'dalli_session.rb' },
  {
    client: 'Cache::Memcached::Fast',
    protocols: ['text'],
    command: 'perl',
    script: 'cache_memcached_fast_session.pl',
  },
  {
    client: 'memjs',
    protocols: ['binary'],
    command: process.execPath,
    script: 'memjs_session.js',
  },
  {
    client: 'memcached (npm)',
    protocols: ['text'],
    command: process.execPath,
    script: 'node_memcached_session.js',
  },
]

const SESSION_DEADLINE_MS = 60_000

/** Each with the protocols that it speaks, by itself and with two others. */
const CASES = SESSIONS.flatMap(({ protocols, ...session }) =>
  protocols.flatMap((protocol) => [1, 3].map((count) => ({ ...session, protocol, count }))),
)

describe.each(['memshard', 'memcached'] as const)('with %s', (server) => {
  const without = server === 'memcached' ? missing('memcached') : undefined
  let nodes: readonly RunningNode[] = []

  beforeAll(async () => {
    if (without === undefined) {
      nodes = await Promise.all([0, 1, 2].map(() => startNode({ server })))
    }
  })
  afterAll(() => Promise.all(nodes.map((node) => node.stop('SIGKILL'))))

  for (const { client, protocol, count, command, script } of CASES) {
    const title = `${client}, ${protocol} protocol, ${count} node(s)`
    test(title, { timeout: SESSION_DEADLINE_MS }, async ({ skip }) => {
      const reason = without ?? missing(client)
      skip(reason !== undefined, reason)
      const path = fileURLToPath(new URL(`interop/${script}`, import.meta.url))
      const addresses = nodes.slice(0, count).map(({ address }) => address)
      const { stdout } = await promisify(execFile)(command, [path, protocol, ...addresses], {
        timeout: SESSION_DEADLINE_MS,
      })
      expect(stdout).toMatch(/^ok \d/m)
    })
  }
})
