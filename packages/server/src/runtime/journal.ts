// How heavy a line is, as systemd's journal takes it (sd-daemon(3)): a number in angle brackets in front, so that
// `journalctl -p warning` finds it. Knows streams and priorities, no log.
import { fstatSync } from 'node:fs'
import type { Environment } from './settings-draft.ts'

/** Those of syslog(3) that we have a use for. */
export const PRIORITY = { critical: 2, error: 3, warning: 4, info: 6, debug: 7 } as const

export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY]

/** Whether the file descriptor is the journal's: what it is, is in the environment of whoever has one. */
export function isJournal(fd: number, { JOURNAL_STREAM }: Environment): boolean {
  if (JOURNAL_STREAM === undefined) return false
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return JOURNAL_STREAM === `${dev}:${ino}`
}

/** A message for stderr, which may be the journal. */
export function onStderr(message: string): string {
  return `${isJournal(STDERR_FD, process.env) ? `<${PRIORITY.error}>` : ''}${message}\n`
}

const STDERR_FD = 2
