// What a client has given up on, on a real link that lost packets: it must not come to the node afterwards.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inNamespaces, missingNamespaces } from './chaos/namespaces.ts'
import { PacketLink } from './chaos/packet-link.ts'
import { REPOSITORY } from './repository.ts'

test('a write that was given up on while packets were lost is not carried out after a newer one', async ({
  skip,
}) => {
  const reason =
    missingNamespaces() ?? (PacketLink.isPossible ? undefined : 'there is no /dev/net/tun here')
  skip(reason !== undefined, reason)
  const [file, args] = inNamespaces(join(REPOSITORY, 'test/dist/chaos/late-write.js'), [])
  const { stdout } = await promisify(execFile)(file, args)
  expect(stdout).toBe('ERR_MEMSHARD_TIMEOUT, found: newest\n')
})
