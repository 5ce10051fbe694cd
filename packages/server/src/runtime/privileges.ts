// `-u`: gives up root for a user, as memcached does before it serves. Knows the user database only.
import { readFileSync } from 'node:fs'

/** memcached's exit code for it (EX_NOUSER). */
export const EX_NOUSER = 67

/** The user can't be switched to; the message says why. */
export class UserError extends Error {
  readonly code = 'ERR_MEMSHARD_USER'
}

/** Becomes the user if the process is root's and the user is another; does nothing otherwise. */
export function dropPrivileges(user: string | undefined): void {
  if (user === undefined || user === 'root' || process.geteuid?.() !== 0) return
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === user)
  if (entry === undefined) throw new UserError(`can't find the user ${user} to switch to`)
  const groupId = Number(entry[3])
  process.setgroups?.([groupId])
  process.setgid?.(groupId)
  process.setuid?.(Number(entry[2]))
}
