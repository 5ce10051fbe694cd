// Plays a closed loop over sockets of its own with epoll, recv and send: about 6.5 us of CPU per request
// where node:net takes 10 to 13, nearly all of it in the kernel, so that the bench is not what it
// measures. Knows no protocol.
import { setImmediate as letSignalsIn } from 'node:timers/promises'
import type { ServerAddress } from './address.ts'
import type { ClosedLoop, Exchange } from './closed-loop.ts'
import type { LoadDriver } from './driver.ts'
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
  EPOLLOUT,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  requireSystemCalls,
  type SystemCalls,
} from './linux.ts'

interface EpollConnection {
  readonly fd: number
  readonly exchange: Exchange
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

export async function openEpollDriver(
  address: ServerAddress,
  loop: ClosedLoop,
  spin: boolean,
): Promise<LoadDriver> {
  return new EpollDriver(await requireSystemCalls(), address, loop, spin)
}

class EpollDriver implements LoadDriver {
  readonly kind = 'epoll'
  readonly #calls: SystemCalls
  readonly #loop: ClosedLoop
  readonly #epoll: number
  readonly #connections: EpollConnection[] = []
  readonly #events = new Uint32Array(EVENTS_PER_WAIT * EVENT_WORDS)
  readonly #eventsAddress: number
  readonly #received = new Uint8Array(RECEIVE_BYTES)
  readonly #receivedAddress: number
  readonly #tapeAddress: number
  readonly #spin: boolean
  /** The connection that is asked first whether it can take the next request that is due. */
  #nextIdle = 0

  constructor(calls: SystemCalls, address: ServerAddress, loop: ClosedLoop, spin: boolean) {
    this.#calls = calls
    this.#spin = spin
    this.#loop = loop
    this.#eventsAddress = calls.addressOf(this.#events)
    this.#receivedAddress = calls.addressOf(this.#received)
    this.#tapeAddress = calls.addressOf(loop.tape.requests)
    this.#epoll = calls.epollCreate(0)
    try {
      for (const exchange of loop.exchanges) {
        const fd = calls.connect(address)
        this.#connections.push({ fd, exchange, awaitingRoom: false, open: true })
        this.#watch(EPOLL_CTL_ADD, fd, EPOLLIN, this.#connections.length - 1)
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
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) this.#close(connection)
    this.#calls.close(this.#epoll)
  }

  /** Sends what is due over the connections that wait for nothing, each in its turn. */
  #beginDue(): void {
    const { length } = this.#connections
    for (let asked = 0; asked < length && this.#loop.due <= performance.now(); asked++) {
      const index = this.#nextIdle
      const connection = this.#connections[index]!
      this.#nextIdle = index + 1 === length ? 0 : index + 1
      if (connection.open && this.#loop.begin(connection.exchange, performance.now())) {
        this.#flush(connection, index)
      }
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
    const { exchange } = connection
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
    if (!this.#loop.received(exchange, this.#received, length, now)) {
      this.#lose(connection, 'broke the protocol')
    } else if (this.#loop.begin(exchange, now)) {
      this.#flush(connection, index)
    }
  }

  #flush(connection: EpollConnection, index: number): void {
    const { exchange, fd } = connection
    const sent = this.#calls.send(
      fd,
      this.#tapeAddress + exchange.unsentFrom,
      exchange.unsentTo - exchange.unsentFrom,
      MSG_DONTWAIT | MSG_NOSIGNAL,
    )
    if (sent === -1 && !this.#wouldBlock()) {
      this.#lose(connection, `failed (${this.#calls.errorName()})`)
      return
    }
    if (sent > 0) exchange.unsentFrom += sent
    const blocked = exchange.unsentFrom < exchange.unsentTo
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

  #lose(connection: EpollConnection, reason: string): void {
    this.#loop.lost(connection.exchange, reason)
    this.#close(connection)
  }

  #close(connection: EpollConnection): void {
    if (!connection.open) return
    connection.open = false
    connection.awaitingRoom = false
    this.#watch(EPOLL_CTL_DEL, connection.fd, 0, 0)
    this.#calls.close(connection.fd)
  }
}
