// What goes wrong with a trace that somebody wants to be played or written. Knows nothing of what found it.
import { BenchError } from '../errors.ts'

/** The file is missing or damaged, no trace of a kind that we know, or too large to be played whole. */
export function traceError(message: string, cause?: unknown): BenchError {
  return new BenchError('BAD_TRACE', message, { cause })
}

/** What the system says of a file, without the name of the call. */
export function reasonOf(error: unknown): string {
  return error instanceof Error
    ? error.message.replace(/^[A-Z0-9]+: |, \w+( '.*')?$/g, '')
    : String(error)
}
