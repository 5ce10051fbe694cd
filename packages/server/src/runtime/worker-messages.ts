// What the main thread and the worker threads tell each other.
import type { CacheMemory } from '../cache/cache-memory.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import type { DatagramSocket } from '../transport/entrance.ts'
import type { ListenOptions } from '../transport/listeners.ts'
import type { Settings } from './settings.ts'

/** How a worker is to serve. */
export type WorkerTransport =
  | {
      readonly kind: 'uring' | 'epoll'
      readonly listeners: readonly number[]
      /** What each of them speaks, if not what all do. */
      readonly bindings: readonly (BindingProtocol | undefined)[]
      readonly datagramSockets: readonly DatagramSocket[]
      readonly epolls: readonly number[]
      readonly wake: number
      /** See `loadedAddOn`. */
      readonly addOn: string | undefined
      /** The memory of the table of connections. */
      readonly table: SharedArrayBuffer
    }
  | { readonly kind: 'node'; readonly listen: ListenOptions }

/** What a thread serves, and with what. */
export interface Work {
  readonly thread: number
  readonly settings: Settings
  readonly memory: CacheMemory
  readonly counts: SharedArrayBuffer
  /** The memory of who may give commands (`-Y`); undefined: everybody may. */
  readonly credentials: SharedArrayBuffer | undefined
  readonly transport: WorkerTransport
}

export type ToMain =
  /** Serves; the addresses are the node transport's. */
  | { readonly kind: 'ready'; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string }
  /** There is work for the background that should not wait for its next turn. */
  | { readonly kind: 'wake' }
  | { readonly kind: 'verbosity'; readonly level: number }
  | { readonly kind: 'shutdown'; readonly graceful: boolean }

export type ToWorker =
  /** What to serve, and with what: the first message. */
  | { readonly kind: 'work'; readonly work: Work }
  /** Every thread is ready: a loop over system calls may begin. */
  | { readonly kind: 'serve' }
  /** For the node transport, whose event loop hears messages; the others are woken by a descriptor. */
  | { readonly kind: 'stop' }
