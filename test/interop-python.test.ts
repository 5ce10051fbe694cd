// The Python clients that applications use, pylibmc (on libmemcached) and pymemcache, go through their
// whole vocabulary against one node and three. The sessions are in interop/; they check, this only runs them.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing, type Peer, PYTHON } from './peers.ts'

const CLIENTS: readonly { readonly client: Peer; readonly flags: readonly string[] }[] = [
  { client: 'pylibmc', flags: [] },
  { client: 'pylibmc', flags: ['--binary'] },
  { client: 'pymemcache', flags: [] },
]
const NODES = [1, 3] as const
const SESSION_DEADLINE_MS = 60_000

describe.each(CLIENTS)('$client $flags', ({ client, flags }) => {
  const reason = missing(client)
  let nodes: readonly RunningNode[] = []

  beforeAll(async () => {
    if (reason === undefined) nodes = await Promise.all([0, 1, 2].map(() => startNode()))
  })
  afterAll(() => Promise.all(nodes.map((node) => node.stop('SIGKILL'))))

  test.for(NODES)('with %i node(s)', { timeout: SESSION_DEADLINE_MS }, async (count, { skip }) => {
    skip(reason !== undefined, reason)
    const script = fileURLToPath(new URL(`interop/${client}_session.py`, import.meta.url))
    const addresses = nodes.slice(0, count).map(({ address }) => address)
    const { stdout } = await promisify(execFile)(PYTHON, [script, ...flags, ...addresses], {
      timeout: SESSION_DEADLINE_MS,
    })
    expect(stdout).toMatch(/^ok /)
  })
})
