// The clients that a thread serves over Node's sockets, plain ones or TLS: what they send is executed, and answers are
// written as fast as they are taken. Knows sockets that are open already, neither listeners nor limits.
// Long because back-pressure and the end of a connection meet in it, as in epoll.ts.
import type { Socket } from 'node:net'
import type { Cache } from '../cache/cache.ts'
import { CLOSED_NORMALLY } from '../cache/event-log.ts'
import { MemoryBlock } from '../cache/memory.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import { Connection, WATCHING } from '../protocol/connection.ts'
import { MAX_KEYS_LINE_BYTES } from '../protocol/engine.ts'
import { REPLY_BYTES, type Reply } from '../protocol/reply.ts'
import { BlockPool } from './block-pool.ts'
import type { PeerAddress } from './connection-events.ts'
import { activityOf, NEW, READING, WRITING } from './connection-table.ts'
import { copyOfMessage, copyPart } from './message-copy.ts'
import { ReplyPool } from './reply-pool.ts'
import { DRAIN_MS, INPUT_BYTES, type TransportContext } from './transport.ts'
import type { WatcherSocket } from './watcher.ts'

export interface NodeClient {
  /** By which reports name it. */
  readonly number: number
  /** The connection itself. */
  readonly raw: Socket
  /** What is spoken over: the connection, or the TLS in it; undefined while that shakes hands. */
  stream: Socket | undefined
  readonly protocol: Connection
  /** Where it comes from, which is not to be had when it is gone. */
  readonly peer: PeerAddress
  /** Input not consumed yet. */
  pending: Buffer
  /** A reply of which the stream was given `sent` bytes so far; the next part when it has taken the last. */
  reply: Reply | undefined
  sent: number
  /** The client has sent the last byte that is taken from it; it may still want answers. */
  ended: boolean
  /** The clock's second at which it last did something. */
  lastActive: number
  /** The next part of a long answer is about to be made. */
  continuing: boolean
}

/** Where it is noted what clients do. */
export interface NodeClientBooks {
  /** What had come from it is executed. */
  readonly noted: (client: NodeClient) => void
  /** It watches from now on, and its requests are over. */
  readonly watches: (client: NodeClient) => void
  /** Its connection is closed. */
  readonly left: (client: NodeClient) => void
}

const NOTHING = Buffer.alloc(0)
/** Answers up to here are copied out of Node's pool, and its garbage. */
const SHORT_BYTES = 2 * 1024
/** Parts of answers, and replies, whose free blocks keep their memory. */
const POOL_SIZE = 64
const MAX_PENDING_BYTES = 2 * MAX_KEYS_LINE_BYTES

export class NodeClients {
  readonly #context: TransportContext
  readonly #cache: Cache
  readonly #books: NodeClientBooks
  readonly #input = new MemoryBlock(new ArrayBuffer(2 * INPUT_BYTES))
  readonly #clients = new Map<number, NodeClient>()
  readonly #replies: ReplyPool
  readonly #parts = new BlockPool(REPLY_BYTES, POOL_SIZE)

  constructor(context: TransportContext, cache: Cache, books: NodeClientBooks) {
    this.#context = context
    this.#cache = cache
    this.#books = books
    this.#replies = new ReplyPool(context.engine, POOL_SIZE)
  }

  get(number: number): NodeClient | undefined {
    return this.#clients.get(number)
  }

  /** All of them, as they came. */
  [Symbol.iterator](): IterableIterator<NodeClient> {
    return this.#clients.values()
  }

  /** Takes a connection, which is not listened to before `begin`. */
  open(
    number: number,
    raw: Socket,
    peer: PeerAddress,
    binding: BindingProtocol | undefined,
  ): NodeClient {
    const protocol = new Connection(number)
    protocol.binding = binding
    const client: NodeClient = {
      number,
      raw,
      stream: undefined,
      protocol,
      peer,
      pending: NOTHING,
      reply: undefined,
      sent: 0,
      ended: false,
      lastActive: this.#context.clock.now,
      continuing: false,
    }
    this.#clients.set(number, client)
    raw.on('error', () => raw.destroy())
    raw.on('close', () => {
      // Its number may be another's by now.
      if (this.#clients.get(number) === client) this.#clients.delete(number)
      this.#dropReply(client)
      this.#context.engine.abandon(protocol)
      this.#books.left(client)
    })
    return client
  }

  /** From now on its requests are executed; `stream` is what they come over. */
  begin(client: NodeClient, stream: Socket): void {
    const { protocol } = client
    client.stream = stream
    stream.on('data', (data) => this.#receive(client, data))
    stream.on('drain', () => {
      if (client.reply !== undefined && !this.#sendOn(client, stream)) return
      if (protocol.closing) {
        stream.destroySoon()
        return
      }
      stream.resume()
      this.#receive(client, NOTHING)
    })
    stream.on('end', () => {
      client.ended = true
      if (!protocol.closing) protocol.closeReason = CLOSED_NORMALLY
      this.#receive(client, NOTHING)
    })
  }

  /** Closes it, after it has taken its answers or at once; resolves when it is. */
  end(client: NodeClient, drain: boolean): Promise<void> {
    const { raw, stream } = client
    return new Promise((resolve) => {
      if (raw.closed) {
        resolve()
        return
      }
      raw.once('close', () => resolve())
      if (!drain || stream === undefined) {
        this.close(client)
        return
      }
      client.ended = true
      this.#receive(client, NOTHING)
      setTimeout(() => this.close(client), DRAIN_MS).unref()
    })
  }

  /** Closes it at once. */
  close({ raw, stream }: NodeClient): void {
    ;(stream ?? raw).destroy()
  }

  /** What it waits for, as connection-table.ts has it. */
  activity({ stream, reply, protocol }: NodeClient): number {
    if (stream === undefined) return NEW
    const writes = reply !== undefined || stream.writableNeedDrain
    return writes ? WRITING : activityOf(protocol)
  }

  /** Nothing is under way in either direction. */
  isIdle(client: NodeClient): boolean {
    const activity = this.activity(client)
    if (client.stream !== undefined && client.stream.writableLength > 0) return false
    return activity === READING || activity === NEW
  }

  #receive(client: NodeClient, data: Buffer): void {
    const { pending, protocol, stream } = client
    if (stream === undefined || protocol.state === WATCHING) return
    const length = pending.length + data.length
    if (length > MAX_PENDING_BYTES) {
      stream.destroy()
      return
    }
    const input =
      length <= this.#input.size ? this.#input : new MemoryBlock(new ArrayBuffer(length))
    input.bytes.set(pending)
    input.bytes.set(data, pending.length)
    const { samples } = this.#context.engine
    samples.beginRound()
    // While the client takes no answers, its requests wait.
    const waits = client.reply !== undefined || stream.writableNeedDrain
    const at = waits ? 0 : this.#execute(client, stream, input, length)
    samples.endRound()
    if (client.protocol.state === WATCHING) {
      client.pending = NOTHING
      // Lines of others than the engine follow, and they don't wait for drain.
      while (client.reply !== undefined) this.#sendPart(client, stream, client.reply)
      this.#books.watches(client)
      return
    }
    client.pending = at === length ? NOTHING : Buffer.from(input.bytes.subarray(at, length))
    this.#books.noted(client)
    if (client.reply !== undefined || stream.writableNeedDrain) return
    if (client.protocol.busy) this.#continueLater(client)
    else if (client.ended) stream.destroySoon()
  }

  /** The next part of a long answer, when the other connections have had their turn. */
  #continueLater(client: NodeClient): void {
    if (client.continuing) return
    client.continuing = true
    setImmediate(() => {
      client.continuing = false
      if (!client.raw.destroyed && client.protocol.busy) this.#receive(client, NOTHING)
    })
  }

  /** Executes and answers what is complete; returns how much was consumed. */
  #execute(client: NodeClient, stream: Socket, input: MemoryBlock, length: number): number {
    const { engine, clock } = this.#context
    const { protocol } = client
    client.lastActive = clock.now
    let at = 0
    for (;;) {
      at = engine.execute(protocol, input, at, length)
      const { reply } = engine
      const { full } = reply
      const taken = reply.totalBytes === 0 || this.#answer(client, stream, reply)
      engine.samples.handOver()
      engine.release(reply)
      if (protocol.closing) {
        if (client.reply === undefined) stream.destroySoon()
        return length
      }
      if (!taken) stream.pause()
      if (!full || !taken || protocol.busy) return at
    }
  }

  /** False if the rest of it, or what comes next, has to wait until the client takes more. */
  #answer(client: NodeClient, stream: Socket, reply: Reply): boolean {
    if (reply.totalBytes <= SHORT_BYTES) {
      return stream.write(copyOfMessage(reply, this.#cache.arena))
    }
    client.reply = this.#replies.take()
    client.sent = 0
    reply.moveTo(client.reply)
    return this.#sendOn(client, stream)
  }

  #sendOn(client: NodeClient, stream: Socket): boolean {
    while (client.reply !== undefined) {
      if (!this.#sendPart(client, stream, client.reply)) return false
    }
    return true
  }

  /** A client has one part of its own at most, whatever it has asked for; the rest stays in the arena. */
  #sendPart(client: NodeClient, stream: Socket, reply: Reply): boolean {
    const part = this.#parts.take()
    const length = copyPart(reply, this.#cache.arena, client.sent, part)
    client.sent += length
    if (client.sent === reply.totalBytes) this.#dropReply(client)
    return stream.write(part.bytes.subarray(0, length), () => this.#parts.give(part))
  }

  #dropReply(client: NodeClient): void {
    const { reply } = client
    if (reply === undefined) return
    client.reply = undefined
    this.#replies.give(reply)
  }
}

/** What a watcher's lines are written to, in the thread of its client. */
export function watcherSocket(client: NodeClient): WatcherSocket {
  return {
    send: ({ bytes }, from, length) => {
      const { stream } = client
      if (stream === undefined || stream.destroyed) return -1
      if (stream.writableNeedDrain) return 0
      stream.write(bytes.slice(from, from + length))
      return length
    },
    ignoreInput: () => !client.ended && client.stream?.destroyed === false,
    close: () => client.stream?.destroy(),
  }
}
