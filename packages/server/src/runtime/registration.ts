// Keeps the node registered in etcd while it serves: clients that discover their nodes there find it, and lose it when
// it leaves, or dies. Serving never depends on it. Knows etcd by the client's package alone.
import type { Log } from './log.ts'
import type { RegistrationSettings } from './registration-settings.ts'

const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000
/** A stop waits no longer for etcd: without an answer, the lease ends by itself. */
const LEAVE_DEADLINE_MS = 2_000
/** Between the node's leaving and its last answer: by then clients have heard of it. */
const FOLLOW_MS = 250

export interface NodeRegistration {
  /** Takes the node out of the pools; resolves when clients have had the time to follow. Doesn't fail. */
  leave(): Promise<void>
}

/** Registers the node at once or, if etcd can't be reached, as soon as it can. `port`: where the node listens. */
export function keepRegistered(
  settings: RegistrationSettings,
  port: number,
  log: Log,
): NodeRegistration {
  const leaving = new AbortController()
  const registered = stayRegistered(settings, port, log, leaving.signal)
  return {
    async leave() {
      leaving.abort()
      await Promise.race([registered, pause(LEAVE_DEADLINE_MS)])
    },
  }
}

async function stayRegistered(
  { endpoints, auth, prefix, ttlSeconds, host, port: advertisedPort }: RegistrationSettings,
  port: number,
  log: Log,
  leaving: AbortSignal,
): Promise<void> {
  const { register } = await import('@memshard/client')
  const node = { host, port: advertisedPort || port }
  let silent = false
  const options = {
    endpoints,
    node,
    ...(auth && { auth }),
    ...(prefix && { prefix }),
    ...(ttlSeconds && { ttl: ttlSeconds }),
    onError: (error: Error) => {
      // Once per outage: what follows it is the same again.
      if (!silent) log.warn({ reason: error.message }, 'the registration may lapse')
      silent = true
    },
  }
  for (let retryMs = FIRST_RETRY_MS; !leaving.aborted; ) {
    try {
      const registration = await register(options)
      silent = false
      log.info({ node, endpoints }, 'registered')
      await aborted(leaving)
      await registration.close()
      log.info({ node }, 'no longer registered')
      await pause(FOLLOW_MS)
    } catch (error) {
      options.onError(error instanceof Error ? error : new Error(String(error)))
      await pause(retryMs, leaving)
      retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Keeps no process alive. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    if (signal === undefined) return
    timer.unref()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
