// A route of whose requests a share is copied to another pool, whose answers nobody waits for: to warm it, or to see how it
// bears real traffic. It never slows the main one: what the other pool has no room for is not copied.
import type { Call, CallReceiver } from '../node/call.ts'
import type { Route } from './route.ts'
import type { Upstream } from './upstream.ts'

/** Copies without an answer, beyond which no further ones are made. */
const MAX_INFLIGHT = 10_000

const NOBODY: CallReceiver = { resolved() {}, rejected() {} }

export class ShadowedRoute implements Route {
  readonly upstreams: readonly Upstream[]
  readonly shadow: Upstream
  copied = 0
  skipped = 0
  readonly #route: Route
  readonly #share: number

  constructor(route: Route, shadow: Upstream, share: number) {
    this.#route = route
    this.#share = share
    this.shadow = shadow
    this.upstreams = route.upstreams
  }

  ask(call: Call, receiver: CallReceiver): void {
    const copy = Math.random() < this.#share ? this.#copyOf(call) : undefined
    this.#route.ask(call, receiver)
    if (copy !== undefined) this.shadow.send(copy)
  }

  #copyOf(call: Call): Call | undefined {
    if (this.shadow.inflight >= MAX_INFLIGHT) {
      this.skipped++
      return undefined
    }
    this.copied++
    const copy = call.copy()
    copy.reportTo(NOBODY, undefined)
    return copy
  }
}
