// Files that hold passwords or keys: whether others than their owner may read them. Knows permissions, no content.
import { type Stats, statSync } from 'node:fs'

/** Who reads the files. */
export interface Reader {
  readonly user: number | undefined
  readonly groups: readonly number[]
}

/** What an operator should know of a file with secrets; undefined if there is nothing to say. */
export function secretFileWarning(
  what: string,
  path: string,
  reader: Reader = thisProcess(),
): string | undefined {
  let file: Stats
  try {
    file = statSync(path)
  } catch {
    // Whoever reads it says what is wrong with it.
    return undefined
  }
  const { mode, uid, gid } = file
  if ((mode & 0o077) === 0) return undefined
  // Another's file that this process may read as one of its group, and no more: so Kubernetes mounts secrets.
  if (
    (mode & 0o037) === 0 &&
    reader.user !== uid &&
    reader.user !== 0 &&
    reader.groups.includes(gid)
  ) {
    return undefined
  }
  const who = (mode & 0o007) === 0 ? 'Its group' : 'Everybody on this machine'
  const may = (mode & 0o022) === 0 ? 'read' : 'read or change'
  const permissions = (mode & 0o777).toString(8).padStart(4, '0')
  return `${who} may ${may} ${what} (${path}, mode ${permissions}): chmod 600 it.`
}

function thisProcess(): Reader {
  return { user: process.geteuid?.(), groups: process.getgroups?.() ?? [] }
}
