// What the proxy counts about its clients. Knows no pool: what happens there is counted by the nodes.
import type { Operation } from '../wire/command.ts'
import { relayed } from '../wire/relayed-operations.ts'
import type { Outcomes } from './answer-queue.ts'

const GETS: ReadonlySet<Operation> = new Set([relayed.get, relayed.gets, relayed.mg])
const TOUCHES: ReadonlySet<Operation> = new Set([relayed.gat, relayed.gats, relayed.touch])

export class ProxyStatistics implements Outcomes {
  readonly startedAt = Date.now()
  connections = 0
  totalConnections = 0
  rejectedConnections = 0
  bytesRead = 0
  bytesWritten = 0
  flushes = 0
  hits = 0
  misses = 0
  forgiven = 0
  logins = 0
  failedLogins = 0
  failedHandshakes = 0
  readonly #requests = new Map<Operation, number>()
  #last: Operation | undefined
  #count = 0

  /** Most often it is the same operation as the one before. */
  count(operation: Operation): void {
    if (operation !== this.#last) this.#turnTo(operation)
    this.#count++
  }

  /** Counts anew, but for the connections that there are. */
  reset(): void {
    this.totalConnections = 0
    this.rejectedConnections = 0
    this.bytesRead = 0
    this.bytesWritten = 0
    this.flushes = 0
    this.hits = 0
    this.misses = 0
    this.forgiven = 0
    this.logins = 0
    this.failedLogins = 0
    this.failedHandshakes = 0
    this.#requests.clear()
    this.#count = 0
  }

  /** By operation: requests, of a retrieval its keys. */
  get requests(): ReadonlyMap<Operation, number> {
    if (this.#last !== undefined) this.#turnTo(this.#last)
    return this.#requests
  }

  /** Requests for values, requests that store, and requests that touch, as memcached counts them. */
  totals(): { readonly gets: number; readonly sets: number; readonly touches: number } {
    const totals = { gets: 0, sets: 0, touches: 0 }
    for (const [operation, count] of this.requests) {
      if (GETS.has(operation)) totals.gets += count
      else if (TOUCHES.has(operation)) totals.touches += count
      else if (operation.hasValue) totals.sets += count
    }
    return totals
  }

  #turnTo(operation: Operation): void {
    if (this.#last !== undefined) {
      this.#requests.set(this.#last, (this.#requests.get(this.#last) ?? 0) + this.#count)
    }
    this.#last = operation
    this.#count = 0
  }
}
