// What the main thread and the worker threads tell each other.
import type { CacheMemory } from '../cache/cache-memory.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import type { DatagramSocket } from '../transport/entrance.ts'
import type { ListenOptions } from '../transport/listeners.ts'
import type { SecureListener } from '../transport/secure.ts'
import type { EventLine } from './event-lines.ts'
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
      /** Who comes by these is for other threads; undefined: there are none. */
      readonly secure:
        | { readonly threads: number; readonly listeners: readonly boolean[] }
        | undefined
    }
  | {
      /** TLS, for connections that those above accept. */
      readonly kind: 'secure'
      readonly listeners: readonly number[]
      readonly secureListeners: readonly SecureListener[]
      readonly epolls: readonly number[]
      readonly addOn: string | undefined
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
  /** The memory of certificates; undefined without TLS. */
  readonly certificates: SharedArrayBuffer | undefined
  readonly transport: WorkerTransport
}

export type ToMain =
  /** Serves; the addresses are the node transport's. */
  | { readonly kind: 'ready'; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string }
  /** There is work for the background that should not wait for its next turn. */
  | { readonly kind: 'wake' }
  /** A connection for the thread that serves TLS. */
  | {
      readonly kind: 'accepted'
      readonly thread: number
      readonly fd: number
      readonly listener: number
    }
  /** A watcher over TLS has taken so many bytes, or is gone. */
  | { readonly kind: 'took'; readonly slot: number; readonly length: number }
  | { readonly kind: 'left'; readonly slot: number }
  | { readonly kind: 'verbosity'; readonly level: number }
  /** A line for the server's log. */
  | { readonly kind: 'line'; readonly line: EventLine }
  | { readonly kind: 'shutdown'; readonly graceful: boolean }

export type ToWorker =
  /** What to serve, and with what: the first message. */
  | { readonly kind: 'work'; readonly work: Work }
  /** Every thread is ready: a loop over system calls may begin. */
  | { readonly kind: 'serve' }
  /** A connection that another thread has accepted. */
  | { readonly kind: 'accepted'; readonly fd: number; readonly listener: number }
  /** Lines for a watcher over TLS; and nobody tells it anything any more. */
  | { readonly kind: 'tell'; readonly slot: number; readonly lines: Uint8Array }
  | { readonly kind: 'dismiss'; readonly slot: number }
  /** For the node transport: what the server logs is another. */
  | { readonly kind: 'logged' }
  /** For the node transport and TLS, whose event loops hear messages; the others are woken by a descriptor. */
  | { readonly kind: 'stop' }
