// Whether a file is memory: what is on a ram disk counts for whoever made it, and can't be given back. Knows file systems.
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'

const TMPFS_MAGIC = 0x01021994
const RAMFS_MAGIC = 0x858458f6

/** Of a file that there may or may not be yet. */
export function onRamDisk(path: string): boolean {
  try {
    const { type } = statfsSync(dirname(path))
    return type === TMPFS_MAGIC || type === RAMFS_MAGIC
  } catch {
    return false
  }
}
