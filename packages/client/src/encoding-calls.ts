// The calls whose values are still being encoded, off the event loop, and those for the same keys that were made
// after them: calls for one key leave in the order they were made. Bounded in number and in time. Knows no node.
import { CodecError, OverloadError, TimeoutError } from './errors.ts'
import type { Call } from './node/call.ts'

export class EncodingCalls {
  readonly #limit: number
  readonly #dispatch: (call: Call) => void
  /** By key, what must be over before the next call for it may leave. */
  readonly #last = new Map<string, Promise<void>>()
  #size = 0

  /** Refuses more than `limit` calls at a time; hands them to `dispatch` when it is their turn. */
  constructor(limit: number, dispatch: (call: Call) => void) {
    this.#limit = limit
    this.#dispatch = dispatch
  }

  /** How many calls wait here. */
  get size(): number {
    return this.#size
  }

  /** Takes any call: one that nothing keeps here leaves at once. */
  take(call: Call): void {
    const before = this.#last.get(call.key)
    if (before === undefined && call.encoding === undefined) {
      this.#dispatch(call)
      return
    }
    if (this.#size >= this.#limit) {
      call.reject(
        new OverloadError(
          `${this.#size} calls wait for values to be encoded: slow down, compress less, or raise maxInflight`,
          { key: call.key },
        ),
      )
      return
    }
    this.#size++
    const encoded = this.#encoded(call)
    const over = this.#hold(call, encoded, before)
    this.#last.set(call.key, over)
    // What is being encoded takes memory even when nobody waits for it any more.
    Promise.all([encoded, over]).then(() => {
      this.#size--
      if (this.#last.get(call.key) === over) this.#last.delete(call.key)
    })
  }

  /** Resolves when the calls that wait here now have left. */
  async drained(): Promise<void> {
    await Promise.all(this.#last.values())
  }

  async #encoded(call: Call): Promise<void> {
    try {
      if (call.encoding !== undefined) call.carry(await call.encoding)
    } catch (cause) {
      call.reject(unencodable(call.key, cause))
    }
    call.encoding = undefined
  }

  /** Until the call leaves or its deadline passes. */
  async #hold(
    call: Call,
    encoded: Promise<void>,
    before: Promise<void> | undefined,
  ): Promise<void> {
    const patience = call.deadline - call.issuedAt
    let timer: NodeJS.Timeout | undefined
    const expired = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience).unref()
    })
    await Promise.race([encoded.then(() => before), expired.then(() => expire(call))])
    clearTimeout(timer)
    if (call.settled) return
    try {
      this.#dispatch(call)
    } catch (error) {
      call.reject(error)
    }
  }
}

function expire(call: Call): void {
  const waited = Math.round(call.deadline - call.issuedAt)
  call.reject(
    new TimeoutError(
      `the value for ${JSON.stringify(call.key)} was not encoded within ${waited} ms: raise timeout, or compress less`,
      { key: call.key },
    ),
  )
}

export function unencodable(key: string, cause: unknown): CodecError {
  if (cause instanceof CodecError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CodecError(`the value for ${JSON.stringify(key)} cannot be encoded: ${reason}`, {
    key,
    cause,
  })
}
