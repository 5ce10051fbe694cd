// One socket to one node, from its connecting to its end: sends what is issued in one tick in one
// write, matches answers to calls in order, and ends calls at their deadlines. A connection that has
// failed is never used again. Knows one peer; not what other connections exist, nor when to try again.
import type { Socket } from 'node:net'
import { AuthError, type MemshardError, ProtocolError } from '../errors.ts'
import { type Answer, Status } from '../wire/answer.ts'
import { AnswerParser } from '../wire/answer-parser.ts'
import { BinaryAnswerParser } from '../wire/binary-answer-parser.ts'
import { hasPacket, writePacket } from '../wire/binary-commands.ts'
import { MORE, NEXT, type Operation, UNEXPECTED } from '../wire/command.ts'
import { CommandWriter } from '../wire/command-writer.ts'
import { RelayedAnswerParser } from '../wire/relayed-answer-parser.ts'
import { endOfList } from '../wire/relayed-operations.ts'
import { Call } from './call.ts'
import { CallQueue } from './call-queue.ts'
import {
  connectionLost,
  overloaded,
  refused,
  streamBroken,
  tooLate,
  undecodable,
  unspeakable,
} from './connection-errors.ts'
import type { Counters } from './counters.ts'
import { isLoggedIn, isUnauthenticated, loginMissing, loginRefused } from './login.ts'
import type { Transport } from './transport.ts'

export interface ConnectionOptions {
  /** Milliseconds until a connection that is not established has failed. */
  readonly connectTimeout: number
  /** Milliseconds without a byte from the node, when it is late already, after which the connection has failed. */
  readonly silence: number
  /** Calls without an answer, beyond which further ones are refused. */
  readonly maxInflight: number
  /** Bytes the kernel has not taken, beyond which further calls are refused. */
  readonly maxQueuedBytes: number
  /** Speaks the binary protocol instead of the meta one. */
  readonly binary: boolean
  /**
   * The calls are those of a proxy: answers are taken as they are, classic ones too, gets share a line, and what comes
   * of all clients in one round of the event loop is sent at once.
   */
  readonly relays: boolean
  /** What to log in with, before anything else is sent. */
  readonly login: Uint8Array | undefined
}

/** What a connection tells its node. */
export interface ConnectionOwner {
  readonly counters: Counters
  opened(): void
  /** Some calls were answered. */
  answered(): void
  /** Calls passed their deadlines; the last of them was issued at `issuedAt`. */
  timedOut(issuedAt: number): void
  /** The end. `unsent` calls never left this process; of `sent` ones the fate is unknown. */
  failed(
    connection: Connection,
    error: MemshardError,
    sent: readonly Call[],
    unsent: readonly Call[],
  ): void
}

/** Only what is read into takes memory. With 64 KiB, 10 KB values cost a fifth more: many are cut in two. */
const READ_BYTES = 256 * 1024
/** Collected bytes beyond which a tick's commands do not wait for its end. */
const FLUSH_BYTES = 64 * 1024

/** Ends a list of gets in the queue; nobody waits for it. */
const END_OF_LIST = new Call(endOfList, '', {
  encode: () => ({ data: '', flags: 0 }),
  decode: () => undefined,
})
END_OF_LIST.settled = true

export class Connection {
  /** Milliseconds of `performance.now()`: when it began to connect. */
  readonly begunAt = performance.now()
  readonly #node: string
  readonly #options: ConnectionOptions
  readonly #owner: ConnectionOwner
  readonly #counters: Counters
  readonly #transport: Transport
  readonly #socket: Socket
  readonly #calls = new CallQueue()
  readonly #writer = new CommandWriter()
  readonly #parser: AnswerParser | BinaryAnswerParser
  readonly #binary: boolean
  readonly #relays: boolean
  #state: 'connecting' | 'login' | 'open' | 'closed' = 'connecting'
  /** How many calls at the end of the queue have not been handed to the socket. */
  #unsent = 0
  /** The kind of gets whose list is the last thing written, and how many keys it has. */
  #list: Operation | undefined
  #listed = 0
  /** Bytes of the values that wait for the connection to open. */
  #heldBytes = 0
  #maxInflight: number
  #maxQueuedBytes: number
  #flushScheduled = false
  /** When the node last sent something, or calls began to wait for it. */
  #quietSince = 0
  #timer: NodeJS.Timeout | undefined
  #wakeAt = Number.POSITIVE_INFINITY
  #connectTimer: NodeJS.Timeout
  /** Resolves when the socket has let go of its file descriptor. */
  readonly #gone: Promise<void>
  #drained: (() => void) | undefined

  /** `node` is what errors call it. */
  constructor(
    node: string,
    transport: Transport,
    options: ConnectionOptions,
    owner: ConnectionOwner,
  ) {
    this.#node = node
    this.#options = options
    this.#owner = owner
    this.#counters = owner.counters
    this.#maxInflight = options.maxInflight
    this.#maxQueuedBytes = options.maxQueuedBytes
    this.#binary = options.binary
    this.#relays = options.relays
    const onAnswer = (answer: Answer): void => this.#answered(answer)
    if (options.binary) this.#parser = new BinaryAnswerParser(onAnswer)
    else if (options.relays) this.#parser = new RelayedAnswerParser(onAnswer)
    else this.#parser = new AnswerParser(onAnswer)
    this.#transport = transport
    this.#socket = transport.open(
      {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length, buffer) => {
          this.#read(buffer as Buffer, length)
          return true
        },
      },
      () => this.#connected(),
    )
    this.#gone = new Promise((resolve) => this.#socket.once('close', () => resolve()))
    this.#socket.once('end', () => this.#lost('the node closed the connection'))
    this.#socket.on('error', (cause) => this.#lost(cause.message, cause))
    this.#connectTimer = setTimeout(() => {
      const step = this.#state === 'login' ? 'logged in' : 'connected'
      this.#lost(`not ${step} within ${options.connectTimeout} ms`)
    }, options.connectTimeout).unref()
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Calls without an answer, whether or not their callers still wait. */
  get inflight(): number {
    return this.#calls.length
  }

  /** Bytes that the kernel has not taken. */
  get queuedBytes(): number {
    return this.#socket.writableLength + this.#heldBytes
  }

  /** How much comes before what is sent next: the calls, and KiB on their way out or in. */
  get load(): number {
    return this.#calls.length + (this.queuedBytes + this.#parser.awaitedBytes) / 1024
  }

  /** Some calls, but fewer than these, have come since the last write. */
  isCollecting(calls: number): boolean {
    return this.#unsent > 0 && this.#unsent < calls
  }

  /** Instead of the bounds in the options: what other connections leave of them. */
  limit(maxInflight: number, maxQueuedBytes: number): void {
    this.#maxInflight = maxInflight
    this.#maxQueuedBytes = maxQueuedBytes
  }

  /** Takes a call that has its deadline. It is settled here, or handed back by the owner's `failed`. */
  send(call: Call): void {
    if (this.#calls.length >= this.#maxInflight || this.queuedBytes > this.#maxQueuedBytes) {
      this.#refuse(call)
      return
    }
    if (this.#binary && !hasPacket(call)) {
      call.reject(unspeakable(this.#node, call))
      return
    }
    if (this.#calls.length === 0) this.#quietSince = call.issuedAt
    if (call.deadline < this.#wakeAt) this.#wake(call.deadline)
    if (this.#state === 'open') this.#write(call)
    else {
      this.#enqueue(call)
      this.#heldBytes += call.data.length
    }
  }

  #refuse(call: Call): void {
    const { maxInflight, maxQueuedBytes } = this.#options
    const calls = maxInflight - this.#maxInflight + this.#calls.length
    const bytes = maxQueuedBytes - this.#maxQueuedBytes + this.queuedBytes
    call.reject(overloaded(this.#node, call, calls, bytes))
  }

  /** Ends the connection and hands its calls back to the owner. */
  fail(error: MemshardError): void {
    if (this.#state === 'closed') return
    const sent = this.#calls.length - this.#unsent
    if (this.#state === 'open') this.#transport.abort(this.#socket)
    this.#end()
    const calls = this.#calls.drain()
    this.#owner.failed(this, error, calls.slice(0, sent), calls.slice(sent))
    this.#drained?.()
  }

  #lost(reason: string, cause?: unknown): void {
    this.fail(connectionLost(this.#node, reason, cause))
  }

  /** Ends the connection once every call is settled, which their deadlines bound. */
  async close(): Promise<void> {
    if (this.#state !== 'closed' && !this.#isDrained()) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    this.#end()
    await this.#gone
  }

  #end(): void {
    this.#state = 'closed'
    clearTimeout(this.#connectTimer)
    clearTimeout(this.#timer)
    this.#socket.destroy()
  }

  #connected(): void {
    if (this.#state !== 'connecting') return
    const { login } = this.#options
    if (login === undefined) this.#open()
    else {
      this.#state = 'login'
      this.#socket.write(login)
      this.#counters.bytesSent += login.length
    }
  }

  #open(): void {
    this.#state = 'open'
    clearTimeout(this.#connectTimer)
    this.#quietSince = performance.now()
    this.#owner.opened()
    const waiting = this.#calls.drain()
    this.#unsent = 0
    this.#heldBytes = 0
    for (const call of waiting) {
      // Its caller was told that it failed: it must not happen now.
      if (!call.settled) this.#write(call)
    }
  }

  #enqueue(call: Call): void {
    this.#calls.push(call)
    this.#unsent++
  }

  #write(call: Call): void {
    if (this.#relays && this.#extendsList(call)) return
    this.#enqueue(call)
    if (this.#binary) writePacket(call, this.#writer)
    else call.operation.write(call, this.#writer)
    this.#list = call.operation.listed === undefined ? undefined : call.operation
    this.#listed = 1
    if (this.#writer.length > FLUSH_BYTES) this.#flush()
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true
      if (this.#relays) {
        // Every client's bytes come in a tick of their own; a round has those of all that are ready.
        setImmediate(this.#flushAtEndOfTick)
        return
      }
      // nextTick runs when the tick's promises have all run too. queueMicrotask would cut in between
      // callers of different depths: 17 commands per write instead of 45, and 1.6 us of CPU per get
      // instead of 1.2 (100 callers). setImmediate collects no more and costs one caller 6 us.
      process.nextTick(this.#flushAtEndOfTick)
    }
  }

  /** Whether the call is one key more in the list under way, which otherwise ends here. */
  #extendsList(call: Call): boolean {
    const list = this.#list
    if (list === undefined) return false
    if (list !== call.operation || this.#listed >= list.listed!) {
      this.#endList()
      return false
    }
    this.#enqueue(call)
    this.#writer.listedKey(call.key)
    this.#listed++
    return true
  }

  #endList(): void {
    if (this.#list === undefined) return
    this.#list = undefined
    this.#writer.endLine()
    this.#enqueue(END_OF_LIST)
  }

  readonly #flushAtEndOfTick = (): void => {
    this.#flushScheduled = false
    if (this.#state === 'open') this.#flush()
  }

  #flush(): void {
    this.#endList()
    const { length } = this.#writer
    const parts = this.#writer.take()
    this.#unsent = 0
    if (parts.length === 0) return
    this.#counters.bytesSent += length
    if (parts.length === 1) this.#socket.write(parts[0]!)
    else {
      this.#socket.cork()
      for (const part of parts) this.#socket.write(part)
      this.#socket.uncork()
    }
    if (this.#socket.writableLength === 0) this.#writer.reuse()
  }

  #read(chunk: Buffer, length: number): void {
    if (this.#state === 'closed') return
    this.#quietSince = performance.now()
    this.#counters.bytesReceived += length
    this.#counters.answeredAt = this.#quietSince
    try {
      this.#parser.push(chunk, length)
    } catch (error) {
      this.fail(error instanceof AuthError ? error : streamBroken(this.#node, error))
      return
    }
    this.#owner.answered()
    if (this.#drained !== undefined && this.#isDrained()) this.#drained()
  }

  #answered(answer: Answer): void {
    if (this.#calls.length === this.#unsent) {
      this.#unasked(answer)
      return
    }
    const call = this.#calls.first!
    if (answer.status >= Status.error && (!call.operation.relayed || isDistrusted(answer))) {
      this.#refused(call, answer)
      return
    }
    let result: unknown
    try {
      result = call.operation.read(call, answer)
    } catch (cause) {
      this.#calls.shift()
      call.reject(undecodable(this.#node, call, answer.flags, cause))
      return
    }
    if (result === MORE) {
      // Whoever sends lines without end is not silent.
      if (call.settled && this.#quietSince - call.deadline > this.#options.silence) {
        throw new ProtocolError(`the node's answer to ${call.operation.name} does not end`)
      }
      return
    }
    if (result === NEXT) {
      this.#calls.shift()
      call.resolve(answer.status >= Status.error ? answer : call.operation.missed)
      this.#answered(answer)
      return
    }
    if (result === UNEXPECTED) {
      throw new ProtocolError(
        `the node answered ${call.operation.name} with something else's answer`,
      )
    }
    this.#calls.shift()
    if (result instanceof Promise) this.#decoding(call, result, answer.flags)
    else call.resolve(result)
  }

  /** The answer is here, and its value takes the codec some time. */
  #decoding(call: Call, result: Promise<unknown>, flags: number): void {
    result.then(
      (value) => call.resolve(value),
      (cause) => call.reject(undecodable(this.#node, call, flags, cause)),
    )
  }

  /** No call waits for it: the answer to the login, or something is wrong. */
  #unasked(answer: Answer): void {
    if (this.#state !== 'login') {
      throw new ProtocolError(`the node sent ${answer.line || 'an answer'} without being asked`)
    }
    if (!isLoggedIn(answer)) throw loginRefused(this.#node, answer.line)
    this.#open()
  }

  #refused(call: Call, answer: Answer): void {
    const { name, hasValue } = call.operation
    if (isUnauthenticated(answer)) throw loginMissing(this.#node, answer.line)
    // Statistics that a server doesn't have: a request of one line, so what comes next is the next answer.
    const isUnknownKind = name === 'stats' && call.data !== ''
    if (answer.status === Status.error && !isUnknownKind) {
      throw new ProtocolError(
        `the node answered ${name} with "${answer.line}": this client needs memcached 1.6 or newer, or memshard-server`,
      )
    }
    // Whether the node skipped the value is not known: its bytes could run as commands.
    if (answer.status === Status.clientError && hasValue) throw new ProtocolError(answer.line)
    this.#calls.shift()
    call.reject(refused(this.#node, call, answer.line))
  }

  /** One timer for all calls: set for the earliest deadline known, and found to be early most of the time. */
  #wake(at: number): void {
    clearTimeout(this.#timer)
    this.#wakeAt = at
    this.#timer = setTimeout(this.#onTimer, Math.max(1, Math.ceil(at - performance.now()))).unref()
  }

  // After a long stretch of JavaScript, timers fire before the answers that wait in the kernel are read.
  readonly #onTimer = (): void => {
    setImmediate(this.#sweep)
  }

  readonly #sweep = (): void => {
    if (this.#state === 'closed') return
    const now = performance.now()
    let next = Number.POSITIVE_INFINITY
    let lastIssuedAt = Number.NEGATIVE_INFINITY
    for (let place = 0; place < this.#calls.length; place++) {
      const call = this.#calls.at(place)
      if (call.settled) continue
      if (call.deadline <= now) {
        lastIssuedAt = call.issuedAt
        call.reject(tooLate(this.#node, call, this.#state === 'open'))
      } else if (call.deadline < next) next = call.deadline
    }
    this.#wakeAt = Number.POSITIVE_INFINITY
    // The node owes the first call's answer. While its caller still waits, silence may be slowness.
    if (this.#state === 'open' && this.#calls.first?.settled) {
      const silentAt = this.#quietSince + this.#options.silence
      if (silentAt <= now) {
        this.#lost(`nothing received for ${this.#options.silence} ms`)
        return
      }
      next = Math.min(next, silentAt)
    }
    if (next < Number.POSITIVE_INFINITY) this.#wake(next)
    if (lastIssuedAt > Number.NEGATIVE_INFINITY) this.#owner.timedOut(lastIssuedAt)
    if (this.#drained !== undefined && this.#isDrained()) this.#drained()
  }

  #isDrained(): boolean {
    for (let place = 0; place < this.#calls.length; place++) {
      if (!this.#calls.at(place).settled) return false
    }
    return true
  }
}

/** The node does not speak the protocol, or not to us. */
function isDistrusted(answer: Answer): boolean {
  return answer.status === Status.error || isUnauthenticated(answer)
}
