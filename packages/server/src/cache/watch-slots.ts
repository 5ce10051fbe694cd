// Who watches: a slot in shared memory for each watcher, with the streams it wants. Knows no socket; the
// thread that writes to the watchers looks here for new ones.
import type { SharedState } from './shared-state.ts'

/** memcached's WATCHER_LIMIT. */
export const MAX_WATCHERS = 20

/** The client is still with the thread that took its command. */
const NOT_HANDED_OVER = 0

export class WatchSlots {
  readonly #active: Int32Array
  readonly #streams: Int32Array
  readonly #firstIds: Float64Array
  readonly #clients: Int32Array
  readonly #logged: Int32Array

  constructor(state: SharedState) {
    this.#active = state.int32(1)
    this.#streams = state.int32(MAX_WATCHERS)
    this.#firstIds = state.float64(MAX_WATCHERS)
    this.#clients = state.int32(MAX_WATCHERS)
    this.#logged = state.int32(1)
  }

  /** The streams that anybody watches, or the server logs, as bits. Read everywhere, so as cheap as a load. */
  get active(): number {
    return this.#active[0]
  }

  /** How many watch. */
  get count(): number {
    return this.#streams.reduce((count, streams) => count + (streams === 0 ? 0 : 1), 0)
  }

  /** The streams that the server's own log is told of. Set under the lock. */
  get logged(): number {
    return Atomics.load(this.#logged, 0)
  }

  set logged(streams: number) {
    Atomics.store(this.#logged, 0, streams)
    this.#update()
  }

  /**
   * Takes a slot for a watcher of these streams, who is shown events from number `firstId` on. Returns -1
   * if all are taken. Under the lock, so that no later event can miss it.
   */
  claim(streams: number, firstId: number): number {
    const slot = this.#streams.indexOf(0)
    if (slot < 0) return slot
    this.#firstIds[slot] = firstId
    this.#clients[slot] = NOT_HANDED_OVER
    Atomics.store(this.#streams, slot, streams)
    this.#update()
    return slot
  }

  /** From now on the client belongs to the thread that writes to watchers. `client` is not 0. */
  handOver(slot: number, client: number): void {
    Atomics.store(this.#clients, slot, client)
  }

  /** The watcher is gone. Under the lock. */
  release(slot: number): void {
    Atomics.store(this.#streams, slot, 0)
    this.#update()
  }

  /** 0 for a free slot. */
  streams(slot: number): number {
    return Atomics.load(this.#streams, slot)
  }

  firstId(slot: number): number {
    return this.#firstIds[slot]
  }

  /** The client as it was handed over, undefined until then. */
  client(slot: number): number | undefined {
    const client = Atomics.load(this.#clients, slot)
    return client === NOT_HANDED_OVER ? undefined : client
  }

  #update(): void {
    this.#active[0] = this.#streams.reduce((all, streams) => all | streams, this.logged)
  }
}
