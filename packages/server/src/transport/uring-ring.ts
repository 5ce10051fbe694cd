// One ring of io_uring(7): requests to the kernel are written into memory that both see, and what became of
// them is read there, so that a round of a loop costs one system call however much is asked for in it. Knows
// the layout of the kernel's structures, and of connections nothing but a descriptor.
//
// What an entry names (a descriptor, a buffer) must stay what it is until `enter` has submitted it.
import { permanentBlock } from '../cache/memory.ts'
import { MSG_NOSIGNAL, type SystemCalls } from './system-calls.ts'

// What is asked for; an outcome carries it back, with the descriptor.
export const RECEIVE = 1
export const SEND = 2
export const POLL = 3
export const CANCEL = 4
const HEEDED = 0

// Flags of an outcome.
/** It carries a buffer's number in its upper 16 bits. */
const CQE_BUFFER = 1
/** Further outcomes of the same request will come. */
const CQE_MORE = 2
/** The kernel goes on filling this buffer. */
const CQE_BUFFER_MORE = 16

/** What can be asked for before it is submitted; a power of two. */
const ENTRIES = 1024
/** Outcomes for each entry; the kernel keeps further ones until there is room. */
const OUTCOMES_PER_ENTRY = 4

// `struct io_uring_params` in 32-bit words, and its flags.
const PARAMS_BYTES = 120
const PARAM_CQ_ENTRIES = 1
const PARAM_FLAGS = 2
const PARAM_FEATURES = 5
const PARAM_SQ_TAIL = 11
const PARAM_SQ_FLAGS = 14
const PARAM_CQ_HEAD = 20
const PARAM_CQ_TAIL = 21
const PARAM_CQ_CQES = 25
const SETUP_CQSIZE = 1 << 3
/** One bad entry doesn't keep the others from being submitted. */
const SETUP_SUBMIT_ALL = 1 << 7
/** Only this thread submits, so the kernel needs no lock; */
const SETUP_SINGLE_ISSUER = 1 << 12
/** and works for the ring only when the thread asks for outcomes, many at a time. */
const SETUP_DEFER_TASKRUN = 1 << 13
const SETUP_NO_SQARRAY = 1 << 16
const FEATURE_SINGLE_MMAP = 1
/** Of the flags that the kernel keeps beside the entries. */
const CQ_OVERFLOW = 2

const ENTER_GETEVENTS = 1
const ENTER_EXT_ARG = 8

const OFFSET_RINGS = 0
const OFFSET_ENTRIES = 0x1000_0000
const OFFSET_BUFFERS = 0x8000_0000

// `struct io_uring_sqe` in words.
const SQE_WORDS = 16
const OP_POLL_ADD = 6
const OP_ASYNC_CANCEL = 14
const OP_SENDMSG = 9
const OP_SEND = 26
const OP_RECV = 27
/** In the word of the opcode: flags from bit 8 on, those of the operation from bit 16 on. */
const BUFFER_SELECT = 1 << (8 + 5)
const SKIP_SUCCESS = 1 << (8 + 6)
const RECV_MULTISHOT = 1 << (16 + 1)
const MSG_DONTWAIT = 0x40
const MSG_WAITALL = 0x100

// `struct io_uring_cqe` in words.
const CQE_WORDS = 4

const REGISTER_PBUF_RING = 22
const BUFFERS_IN_KERNEL_MEMORY = 1
const BUFFERS_INCREMENTAL = 2
/** `struct io_uring_buf` */
export const BUFFER_ENTRY_BYTES = 16
const REGISTRATION_BYTES = 40
const GROUP = 0

export class Ring {
  readonly fd: number
  readonly #calls: SystemCalls
  readonly #size: number
  readonly #entries: Int32Array
  /** Heads and tails, and the outcomes. */
  readonly #rings: Int32Array
  readonly #sqTailAt: number
  readonly #sqFlagsAt: number
  readonly #cqHeadAt: number
  readonly #cqTailAt: number
  readonly #cqesAt: number
  readonly #cqMask: number
  /** `struct io_uring_getevents_arg`, and the `struct timespec` it points to. */
  readonly #wait = permanentBlock(24 + 16)
  #tail = 0
  #unsubmitted = 0
  #head = 0

  // The outcome that was looked at last.
  descriptor = 0
  operation = 0
  /** As of the system call; an error is its negative number. */
  result = 0
  #flags = 0

  /** For this thread alone. Throws a UringError where the kernel doesn't offer or allow it. */
  constructor(calls: SystemCalls, size = ENTRIES) {
    this.#calls = calls
    this.#size = size
    const params = permanentBlock(PARAMS_BYTES)
    params.words.fill(0)
    params.words[PARAM_CQ_ENTRIES] = size * OUTCOMES_PER_ENTRY
    params.words[PARAM_FLAGS] =
      SETUP_CQSIZE | SETUP_SUBMIT_ALL | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN | SETUP_NO_SQARRAY
    this.fd = calls.io_uring_setup(size, params.address)
    if (this.fd < 0) throw new UringError(calls, 'io_uring_setup')
    const { words } = params
    const ringBytes = words[PARAM_CQ_CQES] + words[PARAM_CQ_ENTRIES] * CQE_WORDS * 4
    const rings = calls.mapFile(this.fd, ringBytes, OFFSET_RINGS)
    const entries = calls.mapFile(this.fd, size * SQE_WORDS * 4, OFFSET_ENTRIES)
    if (
      rings === undefined ||
      entries === undefined ||
      (words[PARAM_FEATURES] & FEATURE_SINGLE_MMAP) === 0
    ) {
      const error = new UringError(calls, 'mmap of the ring')
      calls.close(this.fd)
      throw error
    }
    this.#rings = new Int32Array(calls.view(rings, ringBytes))
    this.#entries = new Int32Array(calls.view(entries, size * SQE_WORDS * 4))
    this.#sqTailAt = words[PARAM_SQ_TAIL] >> 2
    this.#sqFlagsAt = words[PARAM_SQ_FLAGS] >> 2
    this.#cqHeadAt = words[PARAM_CQ_HEAD] >> 2
    this.#cqTailAt = words[PARAM_CQ_TAIL] >> 2
    this.#cqesAt = words[PARAM_CQ_CQES] >> 2
    this.#cqMask = words[PARAM_CQ_ENTRIES] - 1
    this.#wait.view.setBigUint64(16, BigInt(this.#wait.address + 24), true)
  }

  /**
   * Lets the kernel choose where received bytes go to, from a ring of `count` buffers (a power of two),
   * filling one after the other. Returns the memory of that ring; throws a UringError where the kernel can't.
   */
  provideBuffers(count: number): DataView {
    const registration = permanentBlock(REGISTRATION_BYTES)
    registration.words.fill(0)
    registration.view.setUint32(8, count, true)
    registration.view.setUint16(12, GROUP, true)
    registration.view.setUint16(14, BUFFERS_IN_KERNEL_MEMORY | BUFFERS_INCREMENTAL, true)
    const { address } = registration
    const bytes = count * BUFFER_ENTRY_BYTES
    const failed = this.#calls.io_uring_register(this.fd, REGISTER_PBUF_RING, address, 1) < 0
    const ring = failed ? undefined : this.#calls.mapFile(this.fd, bytes, OFFSET_BUFFERS)
    if (ring === undefined) throw new UringError(this.#calls, 'io_uring_register of buffers')
    return new DataView(this.#calls.view(ring, bytes))
  }

  close(): void {
    this.#calls.close(this.fd)
  }

  // ---- asking

  /** Receives whatever comes, until an outcome says that no more will. */
  receive(fd: number): void {
    const at = this.#entry(OP_RECV | BUFFER_SELECT | RECV_MULTISHOT, fd, RECEIVE)
    this.#entries[at + 10] = GROUP
  }

  /**
   * Sends bytes of a block below 2^53 as far as the socket takes them at once. There is an outcome only if that was
   * not all: the bytes sent, or an error.
   */
  send(fd: number, address: number, length: number): void {
    this.#send(OP_SEND, fd, address, length)
  }

  /** As `send`, for what lies in pieces: a `struct msghdr`. */
  sendMessage(fd: number, message: number): void {
    this.#send(OP_SENDMSG, fd, message, 1)
  }

  #send(code: number, fd: number, address: number, length: number): void {
    const entries = this.#entries
    const at = this.#entry(code | SKIP_SUCCESS, fd, SEND)
    entries[at + 4] = address | 0
    entries[at + 5] = address < 0x1_0000_0000 ? 0 : Math.floor(address / 0x1_0000_0000)
    entries[at + 6] = length
    entries[at + 7] = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL
  }

  /** One outcome when the descriptor is ready for `events`, as of poll(2). */
  poll(fd: number, events: number): void {
    const at = this.#entry(OP_POLL_ADD, fd, POLL)
    this.#entries[at + 7] = events
  }

  /** Makes a request of the descriptor have its last outcome soon. */
  cancel(fd: number, operation: number): void {
    const entries = this.#entries
    const at = this.#entry(OP_ASYNC_CANCEL | SKIP_SUCCESS, -1, CANCEL)
    entries[at + 4] = fd
    entries[at + 5] = operation
  }

  /** An entry for the operation, all zeros but for what every one has; its place in words. */
  #entry(code: number, fd: number, operation: number): number {
    if (this.#unsubmitted === this.#size) this.submit()
    const entries = this.#entries
    const at = (this.#tail & (this.#size - 1)) * SQE_WORDS
    this.#tail = (this.#tail + 1) | 0
    this.#unsubmitted++
    entries[at] = code
    entries[at + 1] = fd
    for (let i = 2; i < 8; i++) entries[at + i] = 0
    // What the outcome will carry.
    entries[at + 8] = fd
    entries[at + 9] = operation
    for (let i = 10; i < SQE_WORDS; i++) entries[at + i] = 0
    return at
  }

  /**
   * Submits what was asked for, and waits until there is at least one outcome if `complete` is 1, at most
   * `timeoutMs` unless that is -1.
   */
  enter(complete: number, timeoutMs: number): void {
    Atomics.store(this.#rings, this.#sqTailAt, this.#tail)
    let argument = 0
    let flags = ENTER_GETEVENTS
    if (complete > 0 && timeoutMs >= 0) {
      const { view } = this.#wait
      view.setUint32(24, Math.trunc(timeoutMs / 1000), true)
      view.setUint32(32, (timeoutMs % 1000) * 1_000_000, true)
      argument = this.#wait.address
      flags = ENTER_GETEVENTS | ENTER_EXT_ARG
    }
    const size = argument === 0 ? 0 : 24
    const submitted = this.#calls.io_uring_enter(
      this.fd,
      this.#unsubmitted,
      complete,
      flags,
      argument,
      size,
    )
    // An interruption or a moment without memory: what is left goes with the next call.
    if (submitted > 0) this.#unsubmitted -= submitted
  }

  /** Submits what was asked for, and nothing else. */
  submit(): void {
    Atomics.store(this.#rings, this.#sqTailAt, this.#tail)
    const submitted = this.#calls.io_uring_enter(this.fd, this.#unsubmitted, 0, 0, 0, 0)
    if (submitted > 0) this.#unsubmitted -= submitted
  }

  /**
   * Everything that was asked for is submitted, and no outcome waits outside the ring for want of room: so whatever
   * has failed at once can be seen.
   */
  get settled(): boolean {
    // The kernel changes them in calls of this thread only.
    return this.#unsubmitted === 0 && (this.#rings[this.#sqFlagsAt] & CQ_OVERFLOW) === 0
  }

  // ---- outcomes

  /** Begins to go through the outcomes that there are, or goes on with those that have come since; returns how many. */
  count(): number {
    return (Atomics.load(this.#rings, this.#cqTailAt) - this.#head) | 0
  }

  /** Looks at one of them, counted from 0. */
  look(index: number): void {
    const rings = this.#rings
    const at = this.#cqesAt + ((this.#head + index) & this.#cqMask) * CQE_WORDS
    this.descriptor = rings[at]
    this.operation = rings[at + 1]
    this.result = rings[at + 2]
    this.#flags = rings[at + 3]
  }

  /** The outcome looked at last is heeded: who looks again finds nothing there. */
  heeded(index: number): void {
    const at = this.#cqesAt + ((this.#head + index) & this.#cqMask) * CQE_WORDS
    this.#rings[at + 1] = HEEDED
  }

  /** Gives the room of so many back to the kernel. */
  end(count: number): void {
    this.#head = (this.#head + count) | 0
    Atomics.store(this.#rings, this.#cqHeadAt, this.#head)
  }

  /** Whether the request will have further outcomes. */
  get more(): boolean {
    return (this.#flags & CQE_MORE) !== 0
  }

  /** The buffer that was received into, or -1. */
  get buffer(): number {
    return (this.#flags & CQE_BUFFER) === 0 ? -1 : this.#flags >>> 16
  }

  /** Whether the kernel goes on filling that buffer. */
  get bufferMore(): boolean {
    return (this.#flags & CQE_BUFFER_MORE) !== 0
  }
}

/** Why the kernel can't serve by such rings, or undefined if it can. */
export function whyNoRing(calls: SystemCalls): string | undefined {
  try {
    const ring = new Ring(calls, 1)
    try {
      ring.provideBuffers(1)
    } finally {
      ring.close()
    }
    return undefined
  } catch (error) {
    if (error instanceof UringError) return error.message
    throw error
  }
}

/** The kernel doesn't offer what the transport needs, or forbids it. */
export class UringError extends Error {
  readonly code = 'ERR_MEMSHARD_URING'

  constructor(calls: SystemCalls, what: string) {
    super(`${what}: ${calls.describeError(calls.errno())}`)
  }
}
