// A thread that has ended though it should serve: the process must not go on, because what it was changing may be half
// changed. Knows which thread and why, not what follows.

export class ThreadFailure extends Error {
  readonly code = 'ERR_MEMSHARD_THREAD'
  /** As threads are numbered in `stats conns`. */
  readonly thread: number

  /** `cause` is what it threw; without one, somebody has ended it. */
  constructor(thread: number, exitCode: number, cause?: Error) {
    super(`thread ${thread} ${reasonOf(exitCode, cause)}`, { cause })
    this.name = 'ThreadFailure'
    this.thread = thread
  }
}

function reasonOf(exitCode: number, cause: Error | undefined): string {
  if (cause === undefined) return `was ended, with exit code ${exitCode}`
  return `failed: ${cause.message}`
}
