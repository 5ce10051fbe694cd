// Calls that were made before it is known which nodes there are. They wait here until then, and not beyond
// their deadlines. Knows no node.
import { OverloadError, TimeoutError } from './errors.ts'
import type { Call } from './node/call.ts'

export class WaitingCalls {
  readonly #max: number
  #calls: Call[] = []
  #timer: NodeJS.Timeout | undefined
  #wakeAt = Number.POSITIVE_INFINITY
  /** Why there are no nodes yet, as far as that is known. */
  reason: Error | undefined

  /** `max`: calls beyond which further ones are refused. */
  constructor(max: number) {
    this.#max = max
  }

  /** Takes a call that has its deadline. */
  add(call: Call): void {
    if (this.#calls.length >= this.#max) {
      call.reject(
        new OverloadError(
          `${this.#calls.length} calls wait for the first list of nodes: slow down, or raise maxInflight`,
          { key: call.key, cause: this.reason },
        ),
      )
      return
    }
    this.#calls.push(call)
    if (call.deadline < this.#wakeAt) this.#wake(call.deadline)
  }

  /** Empties the room; those whose callers still wait are returned. */
  release(): Call[] {
    clearTimeout(this.#timer)
    this.#wakeAt = Number.POSITIVE_INFINITY
    const calls = this.#calls.filter((call) => !call.settled)
    this.#calls = []
    return calls
  }

  // Not `unref`ed, unlike other timers: there is no socket yet that would keep the process for these calls.
  #wake(at: number): void {
    clearTimeout(this.#timer)
    this.#wakeAt = at
    this.#timer = setTimeout(this.#onTimer, Math.max(1, Math.ceil(at - performance.now())))
  }

  // After a long stretch of JavaScript, timers fire before what the discovery was told is read.
  readonly #onTimer = (): void => {
    setImmediate(this.#sweep)
  }

  readonly #sweep = (): void => {
    const now = performance.now()
    const waiting = this.release()
    for (const call of waiting) {
      if (call.deadline > now) this.add(call)
      else call.reject(this.#tooLate(call))
    }
  }

  #tooLate(call: Call): TimeoutError {
    const waited = Math.round(call.deadline - call.issuedAt)
    const reason = this.reason === undefined ? '' : ` (${this.reason.message})`
    return new TimeoutError(
      `no nodes are known for ${call.operation.name} within ${waited} ms${reason}: raise timeout, or look at the discovery`,
      { key: call.key, cause: this.reason },
    )
  }
}
