// The two servers under comparison, started alike. Knows their command lines.
import { spawnSync } from 'node:child_process'
import { type RunningNode, startNode } from '../nodes.ts'
import type { Both } from './comparison.ts'

/** The release whose answers the accepted differences tell. */
export const VERSION = '1.6.18'

export interface PeerOptions {
  /** `-I`; values of half of that are kept in chunks. */
  readonly maxItemBytes?: number
  /** Further ones for ours. */
  readonly flags?: readonly string[]
}

export interface Peers extends Both<RunningNode>, AsyncDisposable {
  readonly maxItemBytes: number
}

/**
 * No thread in the background: a moment's reference to an item shows in memcached's answers, because incr
 * does not change in place what somebody refers to.
 */
const NOTHING_BESIDES = 'no_lru_maintainer,no_lru_crawler'

/** Small items have the same limits as large ones, and are sooner sent. */
const SMALL_ITEM_BYTES = 8192

export async function startPeers(options: PeerOptions = {}): Promise<Peers> {
  const { maxItemBytes = SMALL_ITEM_BYTES, flags = [] } = options
  const chunk = maxItemBytes / 2
  const alike = ['-t', '1', '-m', '512', '-I', String(maxItemBytes)]
  const [theirs, ours] = await Promise.all([
    // In bytes until 1.6.24, in kilobytes since.
    startNode({
      server: 'memcached',
      args: [...alike, '-o', `slab_chunk_max=${chunk},${NOTHING_BESIDES}`],
    }),
    startNode({
      args: [...alike, '-o', `slab_chunk_max=${chunk / 1024},${NOTHING_BESIDES}`, ...flags],
    }),
  ])
  return {
    theirs,
    ours,
    maxItemBytes,
    async [Symbol.asyncDispose]() {
      await Promise.all([theirs.stop('SIGKILL'), ours.stop('SIGKILL')])
    },
  }
}

export function memcachedVersion(): string | undefined {
  const { stdout } = spawnSync('memcached', ['-V'], { encoding: 'utf8' })
  return /^memcached (\S+)/.exec(stdout ?? '')?.[1]
}
