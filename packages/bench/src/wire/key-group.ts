// Keys that are drawn one by one and asked for together, with one request for each server that has some of them.
// Knows no bytes.
import type { Operation } from '../workload/operation.ts'
import { GET } from '../workload/operation.ts'
import type { ServerConversation } from './server-conversation.ts'

export class KeyGroup {
  readonly #keys: Int32Array
  readonly #valueBytes: Int32Array
  readonly #ttls: Int32Array
  readonly #servers: Uint16Array
  readonly #serverOf: (key: number) => number
  #size = 0
  /** Keys that have not been asked for. */
  #unasked = 0
  #nextServer = 0

  /** Of at most so many keys. */
  constructor(keys: number, serverOf: (key: number) => number) {
    this.#keys = new Int32Array(keys)
    this.#valueBytes = new Int32Array(keys)
    this.#ttls = new Int32Array(keys)
    this.#servers = new Uint16Array(keys)
    this.#serverOf = serverOf
  }

  get isEmpty(): boolean {
    return this.#unasked === 0
  }

  get isFull(): boolean {
    return this.#size === this.#keys.length
  }

  /** Some of its keys have been asked for: the others must be before more are added. */
  get isAsking(): boolean {
    return this.#unasked < this.#size
  }

  add({ key, valueBytes, ttl }: Operation): void {
    const index = this.#size++
    this.#unasked++
    this.#keys[index] = key
    this.#valueBytes[index] = valueBytes
    this.#ttls[index] = ttl
    this.#servers[index] = this.#serverOf(key)
  }

  /** Makes one request: for the keys of the next server that has some. The group must not be empty. */
  ask(conversations: readonly ServerConversation[]): void {
    let held = this.#heldBy(this.#nextServer)
    while (held === 0) held = this.#heldBy(++this.#nextServer)
    const server = this.#nextServer++
    const conversation = conversations[server]!
    if (held > 1) conversation.beginGet()
    for (let index = 0; index < this.#size; index++) {
      if (this.#servers[index] !== server) continue
      const key = this.#keys[index]!
      const valueBytes = this.#valueBytes[index]!
      const ttl = this.#ttls[index]!
      if (held > 1) conversation.getKey(key, valueBytes, ttl)
      else conversation.request(GET, key, valueBytes, ttl)
    }
    if (held > 1) conversation.endGet()
    this.#unasked -= held
    if (this.#unasked === 0) {
      this.#size = 0
      this.#nextServer = 0
    }
  }

  #heldBy(server: number): number {
    let held = 0
    for (let index = 0; index < this.#size; index++) if (this.#servers[index] === server) held++
    return held
  }
}
