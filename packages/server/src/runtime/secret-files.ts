// Files that hold passwords or keys: whether others than their owner may read them. Knows permissions, no content.
import { statSync } from 'node:fs'

/** What an operator should know of a file with secrets; undefined if there is nothing to say. */
export function secretFileWarning(what: string, path: string): string | undefined {
  let mode: number
  try {
    mode = statSync(path).mode
  } catch {
    // Whoever reads it says what is wrong with it.
    return undefined
  }
  if ((mode & 0o077) === 0) return undefined
  const who = (mode & 0o007) === 0 ? 'Its group' : 'Everybody on this machine'
  const may = (mode & 0o022) === 0 ? 'read' : 'read or change'
  const permissions = (mode & 0o777).toString(8).padStart(4, '0')
  return `${who} may ${may} ${what} (${path}, mode ${permissions}): chmod 600 it.`
}
