// `-u`: gives up root for a user, as memcached does before it serves. Knows the user database only.
import { readFileSync } from 'node:fs'

/** memcached's exit code for it (EX_NOUSER). */
export const EX_NOUSER = 67

/** The user can't be switched to; the message says why. */
export class UserError extends Error {
  readonly code = 'ERR_MEMSHARD_USER'
}

interface Identity {
  readonly userId: number
  readonly groupId: number
}

/** Becomes the user if the process is root's and the user is another; does nothing otherwise. */
export function dropPrivileges(user: string | undefined): void {
  const identity = identityToTake(user)
  if (identity === undefined) return
  process.setgroups?.([identity.groupId])
  process.setgid?.(identity.groupId)
  process.setuid?.(identity.userId)
}

/** Does something as the user would, before root is given up; as whoever runs the process if that is not root. */
export async function asUser<Result>(
  user: string | undefined,
  act: () => Promise<Result>,
): Promise<Result> {
  const identity = identityToTake(user)
  if (identity === undefined) return act()
  process.setegid?.(identity.groupId)
  process.seteuid?.(identity.userId)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

function identityToTake(user: string | undefined): Identity | undefined {
  if (user === undefined || user === 'root' || process.geteuid?.() !== 0) return undefined
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === user)
  if (entry === undefined) throw new UserError(`can't find the user ${user} to switch to`)
  return { userId: Number(entry[2]), groupId: Number(entry[3]) }
}
