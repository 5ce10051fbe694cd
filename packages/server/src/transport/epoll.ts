import { CLOSED_NORMALLY, CLOSED_WHEN_IDLE } from '../cache/event-log.ts'
import { type MemoryBlock, permanentBlock } from '../cache/memory.ts'
import { WATCHING } from '../protocol/connection.ts'
import type { ConnectionDescription } from '../protocol/context.ts'
import type { Reply } from '../protocol/reply.ts'
import { Acceptor } from './acceptor.ts'
import { DRAINING, RUNNING } from './connection-counts.ts'
import { endingOf } from './connection-events.ts'
import { describeConnections } from './connection-report.ts'
import { type ConnectionTable, WATCHED } from './connection-table.ts'
import { type DirectOptions, Entrance } from './entrance.ts'
import { EpollConnection } from './epoll-connection.ts'
import { EpollControl, EVENT_BYTES, EVENT_FD } from './epoll-control.ts'
import { IdleConnections } from './idle-connections.ts'
import { Outgoing } from './outgoing.ts'
import { peerAddress } from './peer-address.ts'
import { PendingInput } from './pending-input.ts'
import { ReplyPool } from './reply-pool.ts'
import {
  EAGAIN,
  EINTR,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
  EPOLLOUT,
  type SystemCalls,
} from './system-calls.ts'
import { DRAIN_MS, type Transport, type TransportContext } from './transport.ts'
import { Turns } from './turns.ts'

/** Events fetched at a time. */
const EVENTS = 256
/** While draining, how soon a second signal is heeded. */
const DRAIN_STEP_MS = 100
/** Replies kept for reuse. */
const POOL_SIZE = 64

export class EpollTransport implements Transport {
  readonly #context: TransportContext
  readonly #calls: SystemCalls
  readonly #options: DirectOptions
  readonly #epoll: number
  readonly #outgoing: Outgoing
  readonly #table: ConnectionTable
  readonly #idle: IdleConnections
  readonly #acceptor: Acceptor
  readonly #entrance: Entrance
  readonly #turns: Turns
  readonly #pending: PendingInput
  readonly #epollControl: EpollControl
  readonly #events = permanentBlock(EVENTS * EVENT_BYTES)
  readonly #connections: (EpollConnection | undefined)[] = []
  readonly #replies: ReplyPool
  /** While a connection's requests are executed: others of this round have had no turn yet. */
  #othersWait = false
  #open = 0

  constructor(context: TransportContext, options: DirectOptions) {
    this.#context = context
    this.#calls = options.calls
    this.#options = options
    this.#epoll = options.epolls[context.thread]
    this.#outgoing = new Outgoing(options.calls, options.arena)
    this.#table = options.table
    const { clock, thread, idleTimeoutSeconds } = context
    this.#epollControl = new EpollControl(options.calls)
    this.#acceptor = new Acceptor(context, options, this.#epollControl)
    this.#entrance = new Entrance(context, options, this.#acceptor, this.#epollControl)
    this.#replies = new ReplyPool(context.engine, POOL_SIZE)
    this.#turns = new Turns(context.engine)
    this.#pending = new PendingInput(context.engine, context.maxKeptBytes)
    this.#idle = new IdleConnections(options.table, clock, thread, idleTimeoutSeconds)
  }

  run(): void {
    const { counts } = this.#context
    this.#entrance.open()
    while (counts.stopState === RUNNING) {
      this.#round(this.#idle.restMs)
      if (this.#idle.due) this.#idle.sweep((fd) => this.#kick(fd))
    }
    this.#entrance.close()
    if (counts.stopState === DRAINING) this.#drain()
    for (const connection of this.#connections) {
      if (connection !== undefined) this.#close(connection)
    }
  }

  #round(timeoutMs: number): void {
    const wait = this.#turns.waiting === 0 ? timeoutMs : 0
    const count = this.#calls.epoll_wait(this.#epoll, this.#events.address, EVENTS, wait)
    const { samples } = this.#context.engine
    samples.beginRound()
    const view = this.#events.view
    for (let i = 0; i < count; i++) {
      const fd = view.getInt32(i * EVENT_BYTES + EVENT_FD, true)
      const events = view.getInt32(i * EVENT_BYTES, true)
      let connection = this.#connections[fd]
      if (connection === undefined) {
        if (this.#entrance.serve(fd)) continue
        connection = this.#meet(fd)
      }
      if (connection.turnReply !== undefined) continue
      this.#othersWait = i + 1 < count
      if (connection.sending) this.#writable(connection)
      else if (events !== 0) this.#readable(connection)
    }
    if (this.#turns.waiting > 0) this.#nextTurns()
    samples.endRound()
  }

  /** The first that is seen of a connection, which may have been accepted by another thread. */
  #meet(fd: number): EpollConnection {
    const connection = new EpollConnection(fd)
    connection.protocol.binding = this.#entrance.bindingOf(fd)
    if (this.#context.connectionEvents.watched) connection.peer = peerAddress(this.#calls, fd)
    this.#connections[fd] = connection
    this.#open++
    return connection
  }

  /** Lets clients take what they have asked for, for a limited time; the others are closed at once. */
  #drain(): void {
    const deadline = Date.now() + DRAIN_MS
    // Requests that have arrived but were not read yet are promises too.
    this.#round(0)
    while (this.#context.counts.stopState === DRAINING) {
      for (const connection of this.#connections) {
        if (connection?.idle) this.#close(connection)
      }
      const left = deadline - Date.now()
      if (this.#open === 0 || left <= 0) return
      this.#round(Math.min(left, DRAIN_STEP_MS))
    }
  }

  // ---- reading

  #readable(connection: EpollConnection): void {
    const pending = connection.pending
    const block = pending ?? this.#turns.input
    const kept = connection.pendingLength
    const calls = this.#calls
    const received = calls.recv(connection.fd, block.address + kept, block.size - kept, 0)
    if (received > 0) {
      this.#execute(connection, block, 0, kept + received)
    } else if (received === 0) {
      connection.protocol.closeReason = CLOSED_NORMALLY
      this.#close(connection)
    } else {
      const errno = calls.errno()
      if (errno !== EAGAIN && errno !== EINTR) this.#close(connection)
    }
  }

  #execute(connection: EpollConnection, block: MemoryBlock, from: number, length: number): void {
    const { engine } = this.#context
    let at = from
    for (;;) {
      const yields = this.#othersWait && this.#turns.hasRoom
      at = engine.execute(connection.protocol, block, at, length, yields)
      if (engine.yielded) {
        connection.sample = engine.samples.carry(true)
        this.#turns.yield(connection, block, at, length)
        this.#note(connection)
        return
      }
      const reply = engine.reply
      const { full } = reply
      if (reply.totalBytes > 0 && !this.#send(connection, reply)) break
      if (connection.protocol.closing) {
        this.#close(connection)
        return
      }
      // The next part of a long answer has to wait for the other connections' turn.
      if (!full || connection.protocol.busy) break
    }
    // With an earlier answer stuck, `#writable` brings us here again.
    if (connection.protocol.state === WATCHING && connection.reply === undefined) {
      this.#handOver(connection)
      return
    }
    this.#note(connection)
    if (this.#pending.keep(connection, block, at, length)) {
      this.#await(connection, connection.sending ? EPOLLOUT : EPOLLIN)
    } else {
      this.#close(connection)
    }
  }

  #note(connection: EpollConnection): void {
    this.#table.note(connection.fd, connection.activity, this.#context.clock.now)
  }

  /** One turn for everybody who has yielded; what has arrived meanwhile comes before the next. */
  #nextTurns(): void {
    const turns = this.#turns
    const { samples } = this.#context.engine
    for (let left = turns.waiting; left > 0; left--) {
      const connection = turns.next()
      if (connection === undefined) continue
      this.#othersWait = turns.waiting > 0
      const block = connection.pending ?? turns.input
      samples.resume(connection.sample)
      connection.sample = undefined
      this.#execute(connection, block, connection.turnFrom, connection.turnEnd)
      samples.suspend()
    }
  }

  // ---- writing

  /** Sends the engine's reply. False if the socket took only a part: the connection keeps the rest. */
  #send(connection: EpollConnection, reply: Reply): boolean {
    const { engine } = this.#context
    const sent = this.#outgoing.send(connection.fd, reply, 0)
    engine.samples.handOver()
    if (sent === reply.totalBytes) {
      engine.release(reply)
      return true
    }
    if (sent < 0) {
      // The client is gone; its next event will tell.
      engine.release(reply)
      connection.protocol.closing = true
      return true
    }
    // The engine's own stays with it: an address as low as that one's is sent without garbage.
    const kept = this.#replies.take()
    reply.moveTo(kept)
    connection.reply = kept
    connection.sent = sent
    return false
  }

  #writable(connection: EpollConnection): void {
    const { reply } = connection
    if (reply !== undefined) {
      const sent = this.#outgoing.send(connection.fd, reply, connection.sent)
      if (sent < 0) {
        this.#close(connection)
        return
      }
      connection.sent = sent
      if (sent < reply.totalBytes) return
      this.#dropReply(connection)
    }
    if (connection.protocol.closing) {
      this.#close(connection)
      return
    }
    // What came while the reply was stuck: it may hold whole commands, or a text may be half sent.
    this.#execute(connection, connection.pending ?? this.#turns.input, 0, connection.pendingLength)
  }

  #dropReply(connection: EpollConnection): void {
    const { reply } = connection
    if (reply === undefined) return
    connection.reply = undefined
    this.#replies.give(reply)
  }

  // ----

  /** From here on the client is another thread's, and what else it has sent is of no interest. */
  #handOver(connection: EpollConnection): void {
    this.#forget(connection)
    this.#control(EPOLL_CTL_DEL, connection.fd, 0)
    this.#table.note(connection.fd, WATCHED, this.#context.clock.now)
    this.#options.handOver(connection.protocol.watchSlot, connection.fd)
  }

  #forget(connection: EpollConnection): void {
    this.#connections[connection.fd] = undefined
    this.#open--
    this.#turns.drop(connection)
    this.#dropReply(connection)
    this.#pending.drop(connection)
  }

  #close(connection: EpollConnection): void {
    if (connection.protocol.state === WATCHING) {
      // Has a slot, and who is handed the connection finds out that it is gone.
      this.#handOver(connection)
      return
    }
    this.#forget(connection)
    this.#context.engine.abandon(connection.protocol)
    this.#acceptor.close(connection.fd, endingOf(connection.protocol), connection.peer)
  }

  #kick(fd: number): void {
    this.#context.counts.kick()
    const connection = this.#connections[fd]
    // Of one that has never sent anything this thread has nothing.
    if (connection === undefined) {
      this.#acceptor.close(fd, { reason: CLOSED_WHEN_IDLE, trouble: undefined })
    } else {
      connection.protocol.closeReason = CLOSED_WHEN_IDLE
      this.#close(connection)
    }
  }

  describeConnections(asking: number): Iterable<ConnectionDescription> {
    return describeConnections(this.#calls, this.#table, this.#context.clock, asking)
  }

  #await(connection: EpollConnection, event: number): void {
    if (connection.awaited === event) return
    connection.awaited = event
    this.#control(EPOLL_CTL_MOD, connection.fd, event)
  }

  #control(operation: number, fd: number, events: number): void {
    this.#epollControl.change(this.#epoll, operation, fd, events)
  }
}
