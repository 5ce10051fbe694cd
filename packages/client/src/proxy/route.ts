// Where the requests about some keys go. A route is asked with a call that nobody has seen yet, and sees to it that the
// receiver is told once. Knows pools; no client and no protocol text.
import type { Call, CallReceiver } from '../node/call.ts'
import type { Upstream } from './upstream.ts'

export interface Route {
  /** Every pool that requests of this route may reach, and whose content is the route's. */
  readonly upstreams: readonly Upstream[]
  ask(call: Call, receiver: CallReceiver): void
}

/** One pool. */
export class DirectRoute implements Route {
  readonly upstreams: readonly Upstream[]
  readonly #upstream: Upstream

  constructor(upstream: Upstream) {
    this.#upstream = upstream
    this.upstreams = [upstream]
  }

  ask(call: Call, receiver: CallReceiver): void {
    call.reportTo(receiver, this.#upstream)
    this.#upstream.send(call)
  }
}
