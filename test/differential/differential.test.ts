// Random sessions against real memcached for a bounded time; `pnpm differential` is the same for as long as
// wanted. Also that a difference would be found.
import { describe, expect, test } from 'vitest'
import { missing } from '../peers.ts'
import { campaign } from './campaign.ts'
import { memcachedVersion, startPeers, VERSION } from './peers.ts'
import { KINDS, type Kind } from './sessions.ts'
import { transcriptOf } from './transcript.ts'

const MILLISECONDS = 7_000
const SEED = 1

const without = missing('memcached')
const needed = `memcached ${VERSION}, whose differences from the release we match are written down`
const reason = without ?? (memcachedVersion() === VERSION ? undefined : needed)

const plan = (kind: Kind, milliseconds: number) =>
  ({
    kind,
    seed: SEED,
    sessions: 1_000_000,
    milliseconds,
  }) as const

describe.skipIf(reason !== undefined)('the same bytes to memcached and to ours', () => {
  test.each(KINDS)(
    '%s sessions: no difference',
    async (kind) => {
      await using peers = await startPeers()
      const { failure, counts } = await campaign({
        peers,
        ...plan(kind, MILLISECONDS),
      })
      if (failure !== undefined) {
        throw new Error(`--kind ${kind} --seed ${SEED}: ${transcriptOf(failure)}`)
      }
      expect(counts.sessions).toBeGreaterThan(100)
      expect(counts.commands).toBeGreaterThan(counts.sessions)
    },
    120_000,
  )

  test('a server that answers otherwise is found, by a small session', async () => {
    await using peers = await startPeers({ flags: ['-C'] })
    const { failure } = await campaign({ peers, ...plan('text', 60_000) })
    expect(failure?.outcome.difference).toMatch(/CAS unique 0 of ours|the answers differ/)
    // The session's last step, and the one that shows what it has left.
    expect(failure?.outcome.exchanges.length).toBeLessThanOrEqual(3)
  }, 120_000)

  test('so is one that counts otherwise', async () => {
    await using peers = await startPeers({ flags: ['-F'] })
    const { failure } = await campaign({ peers, ...plan('mixed', 60_000) })
    expect(failure?.outcome.difference).toBeDefined()
    expect(failure?.shrinks).toBeGreaterThan(0)
  }, 120_000)
})
