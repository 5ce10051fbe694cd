// For tests only: talks to an engine as a transport does, without sockets. What arrives is offered, what
// could not be consumed is kept, answers are collected from the reply buffer and the arena.
import type { Cache } from '../cache/cache.ts'
import { makeCache } from '../cache/cache-fixture.ts'
import { checkInvariants, pinnedItems } from '../cache/cache-invariants.ts'
import type { CacheOptions } from '../cache/cache-memory.ts'
import { MemoryBlock } from '../cache/memory.ts'
import { BINARY_VALUE, Connection, PACKET, SWALLOW, VALUE } from './connection.ts'
import type { Host } from './context.ts'
import { Engine } from './engine.ts'
import { REPLY_BYTES, Reply } from './reply.ts'

const HOST: Host = {
  flushEnabled: true,
  shutdownEnabled: false,
  watchEnabled: true,
  bindingProtocol: 'auto',
  logIn: undefined,
  dumpEnabled: true,
  debugCommandsEnabled: false,
  credentials: undefined,
  requestsPerTurn: 20,
  maxWaitingAnswers: Number.POSITIVE_INFINITY,
  settings: () => [
    ['maxbytes', '67108864'],
    ['tcpport', '11211'],
  ],
  process: () => ({
    pid: 1,
    userSeconds: 1.5,
    systemSeconds: 0.25,
    maxConnections: 1024,
    currentConnections: 1,
    totalConnections: 2,
    rejectedConnections: 0,
    threads: 4,
    rejectsOverLimit: true,
    idleKicks: undefined,
    accepting: true,
    timesListenDisabled: 0,
    listenDisabledMicroseconds: 0,
    reservedDescriptors: 3,
    bufferBytes: 65536,
    transport: 'none',
    tls: undefined,
  }),
  connections: () => [],
  refreshCertificates: undefined,
  verbosityChanged: () => {},
  shutdown: () => {},
  wakeBackground: () => {},
  resetStatistics: () => {},
}

const CRLF_BYTES = 2

export interface HeldReply {
  /** As they are now. */
  bytes(): Buffer
  release(): void
}

export class Server {
  readonly cache: Cache
  readonly engine: Engine
  readonly #clients: Client[] = []

  constructor(
    options: Partial<CacheOptions> = {},
    host: Partial<Host> = {},
    cache = makeCache(options),
  ) {
    this.cache = cache
    this.engine = new Engine(this.cache, { ...HOST, ...host })
  }

  connect(): Client {
    const client = new Client(this)
    this.#clients.push(client)
    return client
  }

  /** A reply that somebody is slow to take: it sends from items that others change meanwhile. */
  hold(request: string): HeldReply {
    const { engine } = this
    const client = this.connect()
    const others = engine.reply
    const reply = new Reply(new MemoryBlock(new ArrayBuffer(REPLY_BYTES)))
    engine.reply = reply
    client.offer(request)
    client.execute()
    engine.reply = others
    return {
      bytes: () => client.take(reply),
      release: () => {
        engine.release(reply)
        client.hangUp()
        this.disconnect(client)
      },
    }
  }

  /** Forgets a client that has hung up. */
  disconnect(client: Client): void {
    this.#clients.splice(this.#clients.indexOf(client), 1)
  }

  /** @throws Error if anything is lost, or held for nobody. */
  check(): void {
    const inFlight = this.#clients.map(({ itemInFlight }) => itemInFlight).filter(Boolean)
    checkInvariants(this.cache, { inFlight })
    const pinned = pinnedItems(this.cache)
    if (pinned.length > 0)
      throw new Error(`${pinned.length} items are pinned and nobody sends them`)
  }
}

export class Client {
  readonly #server: Server
  readonly #connection = new Connection(0)
  #pending: Uint8Array = new Uint8Array()

  constructor(server: Server) {
    this.#server = server
  }

  /** The connection was closed by the server. */
  get closed(): boolean {
    return this.#connection.closing
  }

  /** It has more to say: `execute` again. */
  get busy(): boolean {
    return this.#connection.busy
  }

  get itemInFlight(): number {
    return this.#connection.item
  }

  get speaksBinary(): boolean {
    return this.#connection.commandState === PACKET
  }

  /** What was sent and not consumed: the beginning of a command. */
  get pending(): Uint8Array {
    return this.#pending
  }

  /** How many bytes of a value are still to come, what ends it included; 0 when the next is a command. */
  get awaitedBytes(): number {
    const { state, item, filled, swallow } = this.#connection
    if (state === SWALLOW) return swallow
    if (state !== VALUE && state !== BINARY_VALUE) return 0
    const valueLength = this.#server.cache.items.valueLength(item)
    return valueLength + (state === VALUE ? CRLF_BYTES : 0) - filled
  }

  /** Sends bytes (Latin-1); returns everything that is answered to them. */
  send(data: string | Uint8Array): string {
    return this.sendForBytes(data).toString('latin1')
  }

  sendForBytes(data: string | Uint8Array): Buffer {
    const { engine } = this.#server
    const parts: Buffer[] = []
    this.offer(data)
    for (;;) {
      const full = this.execute()
      parts.push(this.take(engine.reply))
      engine.release(engine.reply)
      if ((!full && !this.busy) || this.closed) return Buffer.concat(parts)
    }
  }

  // ---- step by step, for tests of what happens between

  offer(data: string | Uint8Array): void {
    const arrived = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    this.#pending = Buffer.concat([this.#pending, arrived])
  }

  /** Executes until the reply is full or nothing is left to do; whether it is full. */
  execute(): boolean {
    const { engine } = this.#server
    const input = new MemoryBlock(new ArrayBuffer(this.#pending.length + 8))
    input.bytes.set(this.#pending)
    const at = engine.execute(this.#connection, input, 0, this.#pending.length)
    this.#pending = this.#pending.subarray(at)
    return engine.reply.full
  }

  /** The bytes of a reply as they are now. */
  take(reply: Reply): Buffer {
    const parts: Uint8Array[] = []
    let at = 0
    for (let i = 0; i < reply.spanCount; i++) {
      parts.push(reply.block.bytes.slice(at, reply.spanAt[i]))
      at = reply.spanAt[i]
      const { bytes } = this.#server.cache.arena.blockOf(reply.spanChunk[i])
      parts.push(bytes.slice(reply.spanOffset[i], reply.spanOffset[i] + reply.spanLength[i]))
    }
    parts.push(reply.block.bytes.slice(at, reply.length))
    return Buffer.concat(parts)
  }

  /** The client goes away. */
  hangUp(): void {
    this.#server.engine.abandon(this.#connection)
  }
}

/** What a server of its own answers to this on one connection. */
export function converse(text: string | Uint8Array): string {
  const server = new Server()
  const reply = server.connect().send(text)
  server.check()
  return reply
}
