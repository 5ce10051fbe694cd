// Nodes from a file that is watched. Knows how files are replaced; what is in them is node-list.ts's.
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { milliseconds } from '../arguments.ts'
import { DiscoveryError } from '../errors.ts'
import type { NodeSpec } from '../node/address.ts'
import type { Discovery } from './discovery.ts'
import { parseNodeList } from './node-list.ts'

export interface FileDiscoveryOptions {
  /** Milliseconds between looks when the system tells of no change (network file systems). Default 5,000. */
  readonly interval?: number
}

/**
 * The nodes in a file: one a line (`host:port`, `host:port:weight name`, `#` begins a comment), or a JSON array of
 * what `nodes` takes. Replace it by renaming another over it; a ConfigMap of Kubernetes does so. While it is
 * missing, empty or wrong, the last list stays.
 */
export function fileDiscovery(path: string, options: FileDiscoveryOptions = {}): Discovery {
  const interval = milliseconds('interval', options.interval ?? 5_000)
  return {
    async *watch({ signal, pause, wake, report }) {
      // The directory, because a file that is replaced is another file; and any change in it, because
      // what changes may be a link on the way.
      const unwatch = watchDirectory(dirname(path), wake)
      let last: string | undefined
      try {
        for (;;) {
          const found = await read(path, signal)
          if (found instanceof Error) report(found)
          else if (found.text !== last) {
            last = found.text
            yield found.nodes
          }
          await pause(interval)
        }
      } finally {
        unwatch()
      }
    },
  }
}

async function read(
  path: string,
  signal: AbortSignal,
): Promise<{ text: string; nodes: readonly NodeSpec[] } | DiscoveryError> {
  try {
    const text = await readFile(path, { encoding: 'utf8', signal })
    const nodes = parseNodeList(text)
    if (nodes.length > 0) return { text, nodes }
    return new DiscoveryError(`${path} names no nodes`)
  } catch (cause) {
    return new DiscoveryError(`${path} names no nodes: ${(cause as Error).message}`, { cause })
  }
}

function watchDirectory(directory: string, changed: () => void): () => void {
  try {
    const watcher = watch(directory, { persistent: false }, changed)
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    // Without notifications, or the directory: the interval does.
    return () => {}
  }
}
