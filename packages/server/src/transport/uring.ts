// The fastest transport, on Linux 6.12 and later: one thread's loop over io_uring(7). What the kernel has received
// for the connections is executed, and all their answers are handed to it with one system call, which also
// waits for what comes next. Knows no command.
//
// New connections, datagrams and the wake-up come through the thread's epoll set, as in the epoll transport:
// the ring waits for that set. Once a connection has spoken, the ring has it alone.
//
// Two rules keep the kernel from touching what has become another's. A send is never left under way: it takes
// what the socket takes at once, and what is left is copied before the bytes are reused, which is two rounds
// later. And a descriptor is closed only when all that names it was submitted and has had its last outcome.
//
// Long because this is the hot loop: what a request meets on its way stands in the order in which it does.
import { CLOSED_NORMALLY, CLOSED_WHEN_IDLE } from '../cache/event-log.ts'
import { type MemoryBlock, permanentBlock } from '../cache/memory.ts'
import { KEYS, WATCHING } from '../protocol/connection.ts'
import type { ConnectionDescription } from '../protocol/context.ts'
import { MAX_BATCH_KEYS } from '../protocol/key-batch.ts'
import type { Reply } from '../protocol/reply.ts'
import { Acceptor } from './acceptor.ts'
import { DRAINING, RUNNING } from './connection-counts.ts'
import { endingOf } from './connection-events.ts'
import { describeConnections } from './connection-report.ts'
import { type ConnectionTable, WATCHED } from './connection-table.ts'
import { type DirectOptions, Entrance } from './entrance.ts'
import { EpollControl, EVENT_BYTES, EVENT_FD } from './epoll-control.ts'
import { Gather } from './gather.ts'
import { IdleConnections } from './idle-connections.ts'
import { Outgoing } from './outgoing.ts'
import { peerAddress } from './peer-address.ts'
import { PendingInput } from './pending-input.ts'
import {
  EAGAIN,
  ECANCELED,
  EINTR,
  ENOBUFS,
  EPOLL_CTL_DEL,
  POLLIN,
  POLLOUT,
  type SystemCalls,
} from './system-calls.ts'
import { DRAIN_MS, INPUT_BYTES, type Transport, type TransportContext } from './transport.ts'
import { UringAnswers } from './uring-answers.ts'
import { UringBuffers } from './uring-buffers.ts'
import { UringConnection } from './uring-connection.ts'
import { POLL, RECEIVE, Ring, SEND } from './uring-ring.ts'

/** Events of the epoll set fetched at a time. */
const EVENTS = 64
/** While draining, how soon a second signal is heeded. */
const DRAIN_STEP_MS = 100
/** At the end, how long the kernel has to let go of the connections. */
const LEAVING_MS = 1_000
/** Rounds from a connection's first sign to the answer: met, received, executed. */
const ROUNDS_TO_FIRST_ANSWER = 3
/** Longer answers from the arena than this are mostly more than a socket takes at once. */
const MAX_PIECES_BYTES = 64 * 1024
/** Who has sent this much that has to wait is not listened to meanwhile. */
const MAX_WAITING_INPUT_BYTES = 128 * 1024

export class UringTransport implements Transport {
  readonly #context: TransportContext
  readonly #calls: SystemCalls
  readonly #options: DirectOptions
  readonly #epoll: number
  readonly #ring: Ring
  readonly #buffers: UringBuffers
  readonly #outgoing: Outgoing
  readonly #table: ConnectionTable
  readonly #idle: IdleConnections
  readonly #acceptor: Acceptor
  readonly #entrance: Entrance
  readonly #pending: PendingInput
  readonly #epollControl: EpollControl
  readonly #events = permanentBlock(EVENTS * EVENT_BYTES)
  readonly #connections: (UringConnection | undefined)[] = []
  readonly #answers: UringAnswers
  /** The messages of answers that are sent from the arena. */
  readonly #gather: Gather
  /** Who has more to do when the others have had their turn, and those whose turn it is in this round. */
  #waiting: UringConnection[] = []
  #due: UringConnection[] = []
  /** Of the outcomes looked at together: where bytes were received to. */
  readonly #places = new Int32Array(MAX_BATCH_KEYS)
  /** While a connection's requests are executed: others of this round have had no turn yet. */
  #othersWait = false
  /** Of the outcomes that are gone through. */
  #count = 0
  #round = 0
  #open = 0

  /** Throws a UringError where the kernel doesn't offer what it needs. */
  constructor(context: TransportContext, options: DirectOptions) {
    this.#context = context
    this.#calls = options.calls
    this.#options = options
    this.#epoll = options.epolls[context.thread]
    this.#ring = new Ring(options.calls)
    this.#buffers = new UringBuffers(this.#ring)
    this.#answers = new UringAnswers(context.engine)
    this.#gather = new Gather(options.calls, options.arena)
    this.#outgoing = new Outgoing(options.calls, options.arena)
    this.#table = options.table
    const { clock, thread, idleTimeoutSeconds } = context
    this.#epollControl = new EpollControl(options.calls)
    this.#acceptor = new Acceptor(context, options, this.#epollControl)
    this.#entrance = new Entrance(context, options, this.#acceptor, this.#epollControl)
    this.#pending = new PendingInput(context.engine, context.maxKeptBytes)
    this.#idle = new IdleConnections(options.table, clock, thread, idleTimeoutSeconds)
  }

  run(): void {
    const { counts } = this.#context
    this.#entrance.open()
    this.#ring.poll(this.#epoll, POLLIN)
    while (counts.stopState === RUNNING) {
      this.#goRound(this.#idle.restMs)
      if (this.#idle.due) this.#idle.sweep((fd) => this.#kick(fd))
    }
    this.#entrance.close()
    if (counts.stopState === DRAINING) this.#drain()
    for (const connection of this.#connections) {
      if (connection !== undefined) this.#leave(connection)
    }
    const deadline = Date.now() + LEAVING_MS
    while (this.#open > 0 && Date.now() < deadline) this.#goRound(DRAIN_STEP_MS)
    this.#ring.close()
  }

  #goRound(timeoutMs: number): void {
    const ring = this.#ring
    const { samples } = this.#context.engine
    ring.enter(this.#waiting.length === 0 ? 1 : 0, timeoutMs)
    samples.beginRound()
    // Else the kernel is short of something, and what is left comes with the next call.
    const { settled } = ring
    if (settled) this.#beginRound()
    const count = ring.count()
    this.#count = count
    for (let from = 0; from < count; from += MAX_BATCH_KEYS) {
      const end = Math.min(count, from + MAX_BATCH_KEYS)
      this.#foresee(from, end)
      for (let i = from; i < end; i++) {
        ring.look(i)
        this.#othersWait = i + 1 < count
        this.#heed(this.#places[i - from])
      }
    }
    ring.end(count)
    if (settled) this.#endRound()
    samples.endRound()
  }

  /** Finds where bytes were received to, and has the engine look at the first key of each. */
  #foresee(from: number, end: number): void {
    const { engine } = this.#context
    const ring = this.#ring
    const buffers = this.#buffers
    for (let i = from; i < end; i++) {
      ring.look(i)
      const { result } = ring
      if (ring.operation !== RECEIVE || result <= 0) continue
      const place = buffers.take(ring.buffer, result)
      this.#places[i - from] = place
      engine.foresee(buffers.block, place, place + result)
    }
    engine.beginForeseen()
  }

  /** What became of one thing that was asked for; `place` is where bytes were received to. */
  #heed(place: number): void {
    const { operation, descriptor } = this.#ring
    const connection = this.#connections[descriptor]
    if (connection === undefined) {
      if (descriptor === this.#epoll) this.#enter()
    } else if (operation === RECEIVE) {
      this.#received(connection, place)
    } else if (operation === SEND) {
      this.#unsent(connection)
    } else if (operation === POLL) {
      this.#writable(connection)
    }
  }

  /** What became of the last round's answers can be seen among the outcomes. */
  #beginRound(): void {
    this.#gather.forget()
    this.#round++
    const due = this.#due
    this.#due = this.#waiting
    this.#waiting = due
  }

  /** What the last round's sends didn't take is known now, and copied: their bytes can be written again. */
  #endRound(): void {
    this.#answers.endRound()
    const due = this.#due
    for (let connection = due.pop(); connection !== undefined; connection = due.pop()) {
      connection.waiting = false
      this.#takeTurn(connection)
    }
  }

  // ---- new connections

  /** Something has come to the epoll set. */
  #enter(): void {
    const { view, address } = this.#events
    const count = this.#calls.epoll_wait(this.#epoll, address, EVENTS, 0)
    for (let i = 0; i < count; i++) {
      const fd = view.getInt32(i * EVENT_BYTES + EVENT_FD, true)
      if (!this.#entrance.serve(fd)) this.#meet(fd)
    }
    this.#ring.poll(this.#epoll, POLLIN)
  }

  /** The first that is seen of a connection, which may have been accepted by another thread. */
  #meet(fd: number): void {
    this.#epollControl.change(this.#epoll, EPOLL_CTL_DEL, fd, 0)
    const connection = new UringConnection(fd)
    connection.protocol.binding = this.#entrance.bindingOf(fd)
    if (this.#context.connectionEvents.watched) connection.peer = peerAddress(this.#calls, fd)
    this.#connections[fd] = connection
    this.#open++
    this.#receive(connection)
  }

  #receive(connection: UringConnection): void {
    connection.receiving = true
    connection.receptionCancelled = false
    this.#ring.receive(connection.fd)
  }

  // ---- reading

  #received(connection: UringConnection, from: number): void {
    const { result, buffer, bufferMore, more } = this.#ring
    connection.receiving = more
    if (result > 0) {
      if (!connection.leaving) this.#arrived(connection, this.#buffers.block, from, from + result)
      if (!bufferMore) this.#buffers.giveBack(buffer)
    } else if (result !== -ENOBUFS && result !== -ECANCELED && result !== -EINTR) {
      const { leaving, protocol } = connection
      if (result === 0 && !leaving && !protocol.closing) protocol.closeReason = CLOSED_NORMALLY
      connection.ended = true
    }
    this.#settle(connection)
  }

  #arrived(connection: UringConnection, block: MemoryBlock, from: number, end: number): void {
    if (this.#isUnknown(connection)) this.#findOut(connection)
    // While it doesn't take its answers, or others come first, nothing may be executed.
    const blocked = connection.sending || connection.waiting
    if (connection.pending === undefined && !blocked) {
      this.#execute(connection, block, from, end)
    } else if (!this.#pending.append(connection, block, from, end)) {
      this.#leave(connection)
    } else if (!blocked) {
      this.#executePending(connection)
    } else if (connection.pendingLength > MAX_WAITING_INPUT_BYTES) {
      this.#stopReceiving(connection)
    }
  }

  /** More has come in the round of its last answer: has that sent now, so that the next can follow. */
  #findOut(connection: UringConnection): void {
    const ring = this.#ring
    ring.submit()
    if (!ring.settled) {
      this.#wait(connection)
      return
    }
    connection.sentInRound = 0
    const count = ring.count()
    for (let i = this.#count; i < count; i++) {
      ring.look(i)
      if (ring.operation !== SEND || ring.descriptor !== connection.fd) continue
      ring.heeded(i)
      this.#unsent(connection)
    }
  }

  #executePending(connection: UringConnection): void {
    const { pendingFrom, pendingLength } = connection
    const block = connection.pending ?? this.#buffers.block
    // All buffers of the thread may have been its own in one round: it takes as many turns as it filled of them. A list of
    // keys under way has been read to its end, which must be seen again; its answers bound what a turn does of it.
    const { state, scanned } = connection.protocol
    const turn = state === KEYS ? pendingLength : scanned + INPUT_BYTES
    const end = pendingFrom + pendingLength
    this.#execute(connection, block, pendingFrom, end, Math.min(end, pendingFrom + turn))
  }

  /** Executes what is complete up to `turnEnd`, and keeps what is left up to `end`. */
  #execute(
    connection: UringConnection,
    block: MemoryBlock,
    from: number,
    end: number,
    turnEnd = end,
  ): void {
    const { engine } = this.#context
    if (!engine.reply.hasRoom) this.#answers.next()
    const { reply, samples } = engine
    samples.separate()
    let at = from
    for (;;) {
      reply.begin()
      at = engine.execute(connection.protocol, block, at, turnEnd, this.#othersWait)
      const { full } = reply
      if (reply.totalBytes > 0 && !this.#send(connection, reply)) break
      if (!full || connection.protocol.closing || connection.protocol.busy) break
    }
    if (engine.yielded || turnEnd < end) {
      connection.sample = samples.carry(false)
      this.#wait(connection)
    }
    samples.suspend()
    this.#table.note(connection.fd, connection.activity, this.#context.clock.now)
    // Who goes on in the next round goes on where it is.
    if (connection.waiting && block === connection.pending) this.#pending.consume(connection, at)
    else if (!this.#pending.keep(connection, block, at, end)) this.#leave(connection)
  }

  /** Sees to what is next for a connection that has executed what it may. */
  #settle(connection: UringConnection): void {
    const { protocol } = connection
    if (connection.leaving) {
      this.#wait(connection)
    } else if (connection.reply !== undefined) {
      if (connection.pendingLength > 0) this.#stopReceiving(connection)
    } else if (protocol.closing || connection.ended || protocol.state === WATCHING) {
      // Not before the last answer is known to be taken, and all that was asked for is answered; but a socket that is
      // broken takes nothing more of a list.
      const isBusy = protocol.busy && !protocol.closing
      if (connection.waiting || isBusy || this.#isUnknown(connection)) this.#wait(connection)
      else this.#leave(connection)
    } else {
      if (protocol.busy) this.#wait(connection)
      const waits = connection.waiting && connection.pendingLength > MAX_WAITING_INPUT_BYTES
      if (!connection.receiving && !waits) this.#receive(connection)
    }
  }

  /** Whether the kernel's outcome for the last answer can't have been seen. */
  #isUnknown(connection: UringConnection): boolean {
    return connection.sentInRound === this.#round
  }

  #wait(connection: UringConnection): void {
    if (connection.waiting) return
    connection.waiting = true
    this.#waiting.push(connection)
  }

  /** The others have had their turn, and what became of its last answer is known. */
  #takeTurn(connection: UringConnection): void {
    if (connection.leaving) {
      this.#letGo(connection)
      return
    }
    if (connection.reply !== undefined) return
    if (!connection.protocol.closing) {
      this.#context.engine.samples.resume(connection.sample)
      connection.sample = undefined
      this.#executePending(connection)
    }
    this.#settle(connection)
  }

  // ---- writing

  /** Sends the engine's answer. False if the socket took only a part: the connection keeps the rest. */
  #send(connection: UringConnection, reply: Reply): boolean {
    if (reply.full || this.#answers.many) return this.#sendAtOnce(connection, reply)
    if (reply.spanCount > 0) return this.#sendPieces(connection, reply)
    connection.sentInRound = this.#round
    connection.sentReply = reply
    connection.sentFrom = reply.start
    connection.sentLength = reply.length - reply.start
    this.#ring.send(connection.fd, reply.block.address + reply.start, connection.sentLength)
    return true
  }

  /** What is sent from the arena, if it isn't long, has a reply of its own until its outcome is known. */
  #sendPieces(connection: UringConnection, reply: Reply): boolean {
    const isLong = reply.totalBytes > MAX_PIECES_BYTES
    if (isLong || !this.#gather.hasRoom(reply)) return this.#sendAtOnce(connection, reply)
    const own = this.#answers.emptyReply()
    reply.moveTo(own)
    this.#answers.await(own)
    connection.sentInRound = this.#round
    connection.sentReply = own
    this.#ring.sendMessage(connection.fd, this.#gather.keep(own))
    return true
  }

  /** What is long leaves its room to others. */
  #sendAtOnce(connection: UringConnection, reply: Reply): boolean {
    const { engine } = this.#context
    const sent = this.#outgoing.send(connection.fd, reply, 0)
    engine.samples.handOver()
    if (sent >= 0 && sent < reply.totalBytes) {
      const kept = this.#keepReply(connection, sent)
      reply.moveTo(kept)
      return false
    }
    // If the client is gone, that is all there is to say.
    if (sent < 0) connection.protocol.closing = true
    engine.release(reply)
    return true
  }

  /** The socket has not taken all of an answer that was handed to the kernel, or is broken. */
  #unsent(connection: UringConnection): void {
    const { result } = this.#ring
    const { sentReply, sentFrom, sentLength } = connection
    if (connection.leaving || sentReply === undefined) return
    if (result < 0 && result !== -EAGAIN && result !== -EINTR) {
      this.#leave(connection)
      return
    }
    const sent = Math.max(0, result)
    if (sentReply.spanCount > 0) {
      this.#answers.takeBack(sentReply)
      this.#keepReply(connection, sent, sentReply)
      return
    }
    const kept = this.#keepReply(connection, 0)
    kept.copy(sentReply.block, sentFrom + sent, sentLength - sent)
  }

  /** The reply, empty yet unless one is given, for what the socket hasn't taken; it is waited for until it does. */
  #keepReply(connection: UringConnection, sent: number, reply = this.#answers.emptyReply()): Reply {
    connection.reply = reply
    connection.sent = sent
    this.#awaitWritable(connection)
    return reply
  }

  #awaitWritable(connection: UringConnection): void {
    connection.polling = true
    this.#ring.poll(connection.fd, POLLOUT)
  }

  #writable(connection: UringConnection): void {
    const { reply } = connection
    connection.polling = false
    if (!connection.leaving && reply !== undefined) {
      const sent = this.#outgoing.send(connection.fd, reply, connection.sent)
      connection.sent = sent
      if (sent < 0) {
        this.#leave(connection)
      } else if (sent < reply.totalBytes) {
        this.#awaitWritable(connection)
        return
      } else {
        this.#dropReply(connection)
        // What came while the reply was stuck: it may hold whole commands, or a text may be half sent.
        if (!connection.protocol.closing) this.#executePending(connection)
      }
    }
    this.#settle(connection)
  }

  #dropReply(connection: UringConnection): void {
    const { reply } = connection
    if (reply === undefined) return
    connection.reply = undefined
    this.#answers.reuse(reply)
  }

  // ---- leaving

  /** A client that doesn't take its answers, or has left, is not listened to. */
  #stopReceiving(connection: UringConnection): void {
    if (!connection.receiving || connection.receptionCancelled) return
    connection.receptionCancelled = true
    this.#ring.cancel(connection.fd, RECEIVE)
  }

  /** Ends what is under way for it; it goes when that is over. */
  #leave(connection: UringConnection): void {
    if (connection.leaving) return
    connection.leaving = true
    this.#dropReply(connection)
    this.#pending.drop(connection)
    this.#context.engine.abandon(connection.protocol)
    this.#stopReceiving(connection)
    if (connection.polling) this.#ring.cancel(connection.fd, POLL)
    this.#wait(connection)
  }

  #letGo(connection: UringConnection): void {
    // Its last outcome will have it wait for another turn.
    if (connection.receiving || connection.polling) return
    if (this.#isUnknown(connection)) {
      this.#wait(connection)
      return
    }
    const { fd, protocol, peer } = connection
    this.#connections[fd] = undefined
    this.#open--
    if (protocol.state === WATCHING) {
      // From here on the client is another thread's, who also finds out if it is gone.
      this.#table.note(fd, WATCHED, this.#context.clock.now)
      this.#options.handOver(protocol.watchSlot, fd)
    } else {
      this.#acceptor.close(fd, endingOf(protocol), peer)
    }
  }

  #kick(fd: number): void {
    const connection = this.#connections[fd]
    if (connection?.leaving) return
    this.#context.counts.kick()
    // Of one that has never sent anything this thread has nothing.
    if (connection === undefined) {
      this.#acceptor.close(fd, { reason: CLOSED_WHEN_IDLE, trouble: undefined })
    } else {
      connection.protocol.closeReason = CLOSED_WHEN_IDLE
      this.#leave(connection)
    }
  }

  /** Lets clients take what they have asked for, for a limited time; the others are closed at once. */
  #drain(): void {
    const deadline = Date.now() + DRAIN_MS
    // Requests that have arrived but were not read yet are promises too.
    for (let i = 0; i < ROUNDS_TO_FIRST_ANSWER; i++) this.#goRound(0)
    while (this.#context.counts.stopState === DRAINING) {
      for (const connection of this.#connections) {
        if (connection?.idle && !connection.waiting && !this.#isUnknown(connection)) {
          this.#leave(connection)
        }
      }
      const left = deadline - Date.now()
      if (this.#open === 0 || left <= 0) return
      this.#goRound(Math.min(left, DRAIN_STEP_MS))
    }
  }

  describeConnections(asking: number): Iterable<ConnectionDescription> {
    return describeConnections(this.#calls, this.#table, this.#context.clock, asking)
  }
}
