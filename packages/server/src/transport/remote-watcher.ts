// A watcher whose socket another thread has, because it is one of Node's: lines go there by message, as many as may be
// under way. Knows no socket.
import type { MemoryBlock } from '../cache/memory.ts'
import { MAX_WATCHERS } from '../cache/watch-slots.ts'
import type { WatcherSocket } from './watcher.ts'

/** How a thread hands a watcher over that it keeps: no descriptor, which all are above 0. */
export function remoteWatcher(thread: number, slot: number): number {
  return -(thread * MAX_WATCHERS + slot + 1)
}

/** What was handed over; undefined for a descriptor. */
export function remoteWatcherOf(
  client: number,
): { readonly thread: number; readonly slot: number } | undefined {
  if (client >= 0) return undefined
  const number = -client - 1
  return { thread: Math.floor(number / MAX_WATCHERS), slot: number % MAX_WATCHERS }
}

/** Bytes that the other thread was sent and its socket has not taken. */
const MAX_UNDER_WAY = 64 * 1024

export interface RemoteWatcherOptions {
  readonly tell: (lines: Uint8Array) => void
  readonly dismiss: () => void
}

export class RemoteWatcher implements WatcherSocket {
  readonly #options: RemoteWatcherOptions
  #underWay = 0
  #left = false

  constructor(options: RemoteWatcherOptions) {
    this.#options = options
  }

  send({ bytes }: MemoryBlock, from: number, length: number): number {
    if (this.#left) return -1
    const taken = Math.min(length, MAX_UNDER_WAY - this.#underWay)
    if (taken <= 0) return 0
    this.#underWay += taken
    this.#options.tell(bytes.slice(from, from + taken))
    return taken
  }

  ignoreInput(): boolean {
    return !this.#left
  }

  close(): void {
    this.#options.dismiss()
  }

  /** The socket has taken so many bytes. */
  took(length: number): void {
    this.#underWay -= length
  }

  /** The client is gone. */
  left(): void {
    this.#left = true
  }
}
