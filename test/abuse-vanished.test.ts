// Clients whose host is gone, so that not even its kernel answers: what the server had for them comes back when its own
// kernel gives them up, as memcached's does.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inNamespaces, missingNamespaces } from './chaos/namespaces.ts'
import type { Outcome } from './chaos/vanished-peers.ts'
import { missing } from './peers.ts'
import { MIB } from './process-memory.ts'
import { REPOSITORY } from './repository.ts'
import { TRANSPORTS } from './transports.ts'

/** Garbage that is not collected yet. */
const SLACK_BYTES = 64 * MIB

test.for([
  ...TRANSPORTS.map((transport) => ({
    name: transport,
    args: ['memshard', '--transport', transport],
  })),
  { name: 'memcached', args: ['memcached'] },
])(
  '$name: clients whose host has vanished leave nothing',
  { timeout: 240_000 },
  async ({ name, args }, { skip }) => {
    const reason = missingNamespaces() ?? (name === 'memcached' ? missing('memcached') : undefined)
    skip(reason !== undefined, reason)
    const [file, argv] = inNamespaces(join(REPOSITORY, 'test/dist/chaos/vanished-peers.js'), args)
    const { stdout } = await promisify(execFile)(file, argv)
    const outcome: Outcome = JSON.parse(stdout)
    expect(outcome).toMatchObject({ connected: 60, left: 0 })
    expect(outcome.afterwardsBytes, stdout).toBeLessThan(SLACK_BYTES)
  },
)
