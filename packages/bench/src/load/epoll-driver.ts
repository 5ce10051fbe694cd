// Plays a loop over sockets of its own with epoll, recv and send: about 6.5 us of CPU per request
// where node:net takes 10 to 13, nearly all of it in the kernel, so that the bench is not what it
// measures. Knows no protocol.
import { setImmediate as letSignalsIn } from 'node:timers/promises'
import type { Conversation } from './conversation.ts'
import type { DriverOptions, LoadDriver } from './driver.ts'
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
  EPOLLOUT,
  type MemoryAddress,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  requireSystemCalls,
  type SystemCalls,
} from './linux.ts'
import type { Exchange, LoadLoop } from './load-loop.ts'

interface EpollConnection {
  readonly fd: number
  readonly exchange: Exchange
  readonly conversation: Conversation
  /** The output that `outputAddress` is of: callers change to a larger one. */
  output: Uint8Array
  outputAddress: MemoryAddress
  /** The kernel's send buffer is full: wait until it takes more. */
  awaitingRoom: boolean
  open: boolean
}

/** The thread blocks in epoll_wait; between slices of this length it hears signals and timers. */
const SLICE_MS = 20
const EVENTS_PER_WAIT = 1_024
/** Waiting for less than this costs less than waking late. */
const SPIN_MS = 1
const RECEIVE_BYTES = 256 * 1024
/** `struct epoll_event` is packed on x86 only: the index of `data` and the size, in 32-bit words. */
const PACKED = process.arch === 'x64' || process.arch === 'ia32'
const EVENT_WORDS = PACKED ? 3 : 4
const DATA_WORD = PACKED ? 1 : 2

export async function openEpollDriver(options: DriverOptions, loop: LoadLoop): Promise<LoadDriver> {
  return new EpollDriver(await requireSystemCalls(), options, loop)
}

class EpollDriver implements LoadDriver {
  readonly kind = 'epoll'
  readonly #calls: SystemCalls
  readonly #loop: LoadLoop
  readonly #epoll: number
  /** Of each caller those to all servers, one after the other. */
  readonly #connections: EpollConnection[] = []
  readonly #servers: number
  readonly #events = new Uint32Array(EVENTS_PER_WAIT * EVENT_WORDS)
  readonly #eventsAddress: number
  readonly #received = new Uint8Array(RECEIVE_BYTES)
  readonly #receivedAddress: number
  readonly #spin: boolean
  /** The caller that is asked first whether it can take the next request that is due. */
  #nextIdle = 0

  constructor(calls: SystemCalls, { servers, spin }: DriverOptions, loop: LoadLoop) {
    this.#calls = calls
    this.#spin = spin
    this.#servers = servers.length
    this.#loop = loop
    this.#eventsAddress = calls.addressOf(this.#events)
    this.#receivedAddress = calls.addressOf(this.#received)
    this.#epoll = calls.epollCreate(0)
    try {
      for (const exchange of loop.exchanges) {
        for (const [server, address] of servers.entries()) {
          this.#add(calls.connect(address), exchange, exchange.caller.conversations[server]!)
        }
      }
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  async run(milliseconds: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + milliseconds
    this.#loop.start(performance.now())
    this.#beginDue()
    while (!signal.aborted && !this.#loop.finished) {
      const now = performance.now()
      if (now >= end) return
      this.#slice(Math.min(end, now + SLICE_MS))
      await letSignalsIn()
      if (this.#loop.starved) this.#feed()
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) this.#close(connection)
    this.#calls.close(this.#epoll)
  }

  #add(fd: number, exchange: Exchange, conversation: Conversation): void {
    const { output } = conversation
    const outputAddress = this.#calls.addressOf(output)
    const state = { output, outputAddress, awaitingRoom: false, open: true }
    this.#connections.push({ fd, exchange, conversation, ...state })
    this.#watch(EPOLL_CTL_ADD, fd, EPOLLIN, this.#connections.length - 1)
  }

  /** Sends what is due, for the callers that wait for nothing, each in its turn. */
  #beginDue(): void {
    const { length } = this.#loop.exchanges
    for (let asked = 0; asked < length && this.#loop.due <= performance.now(); asked++) {
      const caller = this.#nextIdle
      this.#nextIdle = caller + 1 === length ? 0 : caller + 1
      this.#begin(caller, performance.now())
    }
  }

  /** What there was nothing of may have come while the event loop ran. */
  #feed(): void {
    this.#loop.starved = false
    this.#beginDue()
  }

  #begin(caller: number, now: number): void {
    const exchange = this.#loop.exchanges[caller]!
    if (!this.#loop.begin(exchange, caller, now)) return
    const first = caller * this.#servers
    for (let index = first; index < first + this.#servers; index++) {
      const connection = this.#connections[index]!
      const { unsentFrom, unsentTo } = connection.conversation
      if (unsentFrom < unsentTo) this.#flush(connection, index)
    }
  }

  #slice(end: number): void {
    const events = this.#events
    const scheduled = this.#loop.due > 0
    for (let now = performance.now(); now < end && !this.#loop.finished; now = performance.now()) {
      const count = this.#calls.epollWait(
        this.#epoll,
        this.#eventsAddress,
        EVENTS_PER_WAIT,
        scheduled ? this.#pause(now, end) : end - now,
      )
      for (let word = 0; word < count * EVENT_WORDS; word += EVENT_WORDS) {
        const index = events[word + DATA_WORD]!
        const connection = this.#connections[index]!
        const ready = events[word]!
        if ((ready & EPOLLOUT) !== 0 && connection.awaitingRoom) this.#flush(connection, index)
        // Anything else, errors too, shows in what recv says.
        if ((ready & ~EPOLLOUT) !== 0 && connection.open) this.#receive(connection, index)
      }
      if (scheduled) this.#beginDue()
    }
  }

  /** How long to wait for answers before the next request is due. */
  #pause(now: number, end: number): number {
    const left = this.#loop.due - now
    if (left <= 0 || (this.#spin && left < SPIN_MS)) return 0
    return Math.min(left, end - now)
  }

  #receive(connection: EpollConnection, index: number): void {
    const length = this.#calls.recv(
      connection.fd,
      this.#receivedAddress,
      RECEIVE_BYTES,
      MSG_DONTWAIT,
    )
    if (length <= 0) {
      const reason = length === 0 ? 'closed it' : `failed (${this.#calls.errorName()})`
      if (length === 0 || !this.#wouldBlock()) this.#lose(connection, reason)
      return
    }
    const now = performance.now()
    const { exchange, conversation } = connection
    if (!this.#loop.received(exchange, conversation, this.#received, length, now)) {
      this.#lose(connection, conversation.broken ?? 'broke the protocol')
    } else if (exchange.outstanding === 0) {
      this.#begin(this.#servers === 1 ? index : Math.floor(index / this.#servers), now)
    }
  }

  #flush(connection: EpollConnection, index: number): void {
    const { conversation, fd } = connection
    if (connection.output !== conversation.output) {
      connection.output = conversation.output
      connection.outputAddress = this.#calls.addressOf(conversation.output)
    }
    const sent = this.#calls.send(
      fd,
      connection.outputAddress + conversation.unsentFrom,
      conversation.unsentTo - conversation.unsentFrom,
      MSG_DONTWAIT | MSG_NOSIGNAL,
    )
    if (sent === -1 && !this.#wouldBlock()) {
      this.#lose(connection, `failed (${this.#calls.errorName()})`)
      return
    }
    if (sent > 0) conversation.unsentFrom += sent
    const blocked = conversation.unsentFrom < conversation.unsentTo
    if (blocked !== connection.awaitingRoom) {
      connection.awaitingRoom = blocked
      this.#watch(EPOLL_CTL_MOD, fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, index)
    }
  }

  #wouldBlock(): boolean {
    const name = this.#calls.errorName()
    return name === 'EAGAIN' || name === 'EWOULDBLOCK' || name === 'EINTR'
  }

  #watch(operation: number, fd: number, events: number, index: number): void {
    const event = new Uint32Array(EVENT_WORDS)
    event[0] = events
    event[DATA_WORD] = index
    this.#calls.epollControl(this.#epoll, operation, fd, event)
  }

  /** The caller is of no more use without it: its other connections go too. */
  #lose(connection: EpollConnection, reason: string): void {
    this.#loop.lost(connection.exchange, reason)
    for (const other of this.#connections) {
      if (other.exchange === connection.exchange) this.#close(other)
    }
  }

  #close(connection: EpollConnection): void {
    if (!connection.open) return
    connection.open = false
    connection.awaitingRoom = false
    this.#watch(EPOLL_CTL_DEL, connection.fd, 0, 0)
    this.#calls.close(connection.fd)
  }
}
