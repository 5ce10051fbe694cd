// What the command line tool gets from outside and how it ends. Knows no command.
import type { Readable } from 'node:stream'
import type { TerminalAccess } from '../top/terminal.ts'

/** What the program talks to; a test gives its own. */
export interface Surroundings {
  /** Without node and script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly stdin: Readable
  /** Resolves, or returns, when more can be taken. */
  readonly out: (data: string | Uint8Array) => unknown
  readonly err: (text: string) => void
  /** `out` is read by a person. */
  readonly onTerminal: boolean
  /** Aborted when the user has had enough. */
  readonly signal: AbortSignal
  /** Has the listener called for each SIGHUP, which otherwise ends the process. */
  readonly onHangUp?: (listener: () => void) => void
  /** When a person reads `out` and types into `stdin`. */
  readonly terminal?: TerminalAccess | undefined
}

// Exit codes, for scripts; those of grep where it has them.
export const EXIT_DONE = 0
/** A miss; nothing there to change, or something there that was not to be. */
export const EXIT_NOT_THERE = 1
export const EXIT_USAGE = 2
/** A node could not be asked, or refused. */
export const EXIT_FAILURE = 3
