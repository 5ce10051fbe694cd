// The daemon's side of `-d`: whether this process is one, and what it tells the process that started it.
// Knows nothing of how it is started.

/** Set for the process that `-d` leaves behind: it is the daemon, and serves. */
export const DAEMON_VARIABLE = 'MEMSHARD_DAEMON'
/** What the daemon tells the process that started it; any other message says why it can't serve. */
export const SERVING = 'serving'

export function isDaemon(): boolean {
  return process.env[DAEMON_VARIABLE] !== undefined
}

/** To be told once: from then on nobody waits for the daemon. */
export function tellServing(): void {
  if (!isDaemon()) return
  process.send?.(SERVING)
  process.disconnect?.()
}
