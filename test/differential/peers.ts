// The two servers under comparison, started alike. Knows their command lines.
import { spawnSync } from 'node:child_process'
import { type RunningNode, startNode } from '../nodes.ts'
import type { Both } from './comparison.ts'

/** The release whose answers the accepted differences tell. */
export const VERSION = '1.6.18'

/** Small items have the same limits as large ones, chunked ones too, and are sooner sent. */
export const MAX_ITEM_BYTES = 8192

export interface Peers extends Both<RunningNode>, AsyncDisposable {}

/**
 * No thread in the background: a moment's reference to an item shows in memcached's answers, because incr
 * does not change in place what somebody refers to.
 */
const NOTHING_BESIDES = 'no_lru_maintainer,no_lru_crawler'

/** `flags` are further ones for ours. */
export async function startPeers(...flags: string[]): Promise<Peers> {
  const alike = ['-t', '1', '-m', '512', '-I', String(MAX_ITEM_BYTES)]
  const [theirs, ours] = await Promise.all([
    // In bytes until 1.6.24, in kilobytes since.
    startNode({
      server: 'memcached',
      args: [...alike, '-o', `slab_chunk_max=4096,${NOTHING_BESIDES}`],
    }),
    startNode({
      args: [...alike, '-o', `slab_chunk_max=4,${NOTHING_BESIDES}`, ...flags],
    }),
  ])
  return {
    theirs,
    ours,
    async [Symbol.asyncDispose]() {
      await Promise.all([theirs.stop('SIGKILL'), ours.stop('SIGKILL')])
    },
  }
}

export function memcachedVersion(): string | undefined {
  const { stdout } = spawnSync('memcached', ['-V'], { encoding: 'utf8' })
  return /^memcached (\S+)/.exec(stdout ?? '')?.[1]
}
