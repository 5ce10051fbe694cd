// The calls that wait for answers on one connection, first in first out: memcached answers in the
// order it was asked. A ring buffer, so that neither end costs more the longer it is.
import type { Call } from './call.ts'

const INITIAL_SLOTS = 64

export class CallQueue {
  #slots = new Array<Call | undefined>(INITIAL_SLOTS).fill(undefined)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The call that has waited longest. */
  get first(): Call | undefined {
    return this.#slots[this.#head]
  }

  push(call: Call): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = call
    this.#length++
  }

  shift(): void {
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#length--
  }

  /** The call at a place counted from the longest waiting, which must be below `length`. */
  at(place: number): Call {
    return this.#slots[(this.#head + place) & (this.#slots.length - 1)]!
  }

  /** Empties the queue and returns what was in it, in order. */
  drain(): Call[] {
    const calls = Array.from({ length: this.#length }, (_, place) => this.at(place))
    this.#slots = new Array<Call | undefined>(INITIAL_SLOTS).fill(undefined)
    this.#head = 0
    this.#length = 0
    return calls
  }

  #grow(): void {
    const calls = this.drain()
    this.#slots = new Array<Call | undefined>(calls.length * 2).fill(undefined)
    for (const call of calls) this.#slots[this.#length++] = call
  }
}
