// Tells the service manager that started the process how it is doing (sd_notify(3)): ready, reloading, stopping, and
// alive. Loaded where there is one that wants to know. Knows the manager's words; what is told when, is said in serve.ts.
import { hasSystemCalls, loadSystemCalls } from '../transport/system-calls.ts'
import { UnixDatagrams } from '../transport/unix-datagrams.ts'
import type { Log } from './log.ts'
import type { Environment } from './settings-draft.ts'

export interface ServiceManager {
  /** Clients may come; `status` is a line for people. */
  ready(status: string): void
  /** Settings are read again, until it is ready anew. */
  reloading(): void
  stopping(): void
  /** From now on it is told again and again, within the time that it set, for as long as `well` resolves to nothing. */
  keepAlive(trouble: () => Promise<string | undefined>): void
}

/** The manager whom the environment names. Who can't be reached is warned of once, and told nothing. */
export function openServiceManager(env: Environment, log: Log): ServiceManager {
  const send = sender(env.NOTIFY_SOCKET ?? '', log)
  return {
    ready: (status) => send('READY=1', `STATUS=${status}`),
    // By the clock that the manager looks at, so that it can tell this answer from one to an earlier signal.
    reloading: () => send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => send('STOPPING=1', 'STATUS=stopping'),
    keepAlive(trouble) {
      const periodMs = watchdogMs(env)
      if (periodMs === undefined) return
      const tell = async (): Promise<void> => {
        const reason = await trouble()
        if (reason === undefined) return send('WATCHDOG=1')
        log.error({ reason }, 'not telling the watchdog that all is well')
        send(`STATUS=${reason}`)
      }
      // Twice in its time, as it recommends; it would be told late if a probe took long.
      setInterval(() => void tell(), periodMs / 2).unref()
    },
  }
}

/** What the watchdog waits for a sign of life, if it is this process that it watches. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: Environment): number | undefined {
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return undefined
  const microseconds = Number(WATCHDOG_USEC)
  return microseconds > 0 ? microseconds / 1000 : undefined
}

function sender(address: string, log: Log): (...lines: readonly string[]) => void {
  let datagrams: UnixDatagrams | undefined
  let warned = false
  const warn = (reason: string): void => {
    if (warned) return
    warned = true
    log.warn(`The service manager (NOTIFY_SOCKET=${address}) can't be told: ${reason}.`)
  }
  try {
    if (!hasSystemCalls()) throw new Error('it needs Linux on x64 or arm64')
    datagrams = new UnixDatagrams(loadSystemCalls(), address)
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error))
  }
  return (...lines) => {
    const failure = datagrams?.send(`${lines.join('\n')}\n`)
    if (failure !== undefined) warn(failure)
  }
}
