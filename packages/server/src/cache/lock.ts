// The lock over the whole cache: spin a little, then sleep. Knows nothing of what it guards.
//
// It protects everything that cache/ keeps in shared memory: arena, hash table, LRU lists, slab free
// lists, statistics, the CAS counter. There is only this one, so there is no order to take locks in. A
// worker holds it while it executes what one socket delivered (a batch of at most one input buffer and
// one reply buffer), and background work for one bounded step; nobody who holds it waits for anybody.
//
// Who has it counts in it: how often it was taken, how often somebody had to wait, and for how long.
//
// The state word is Drepper's mutex ("Futexes Are Tricky", 2011), which says besides who the holder is, as
// Linux' robust futexes do: a thread that ends while it holds the lock never gives it back, and whoever could
// wait for it forever has to find that out. That is docs/LOCKS.md's matter.
import { threadId } from 'node:worker_threads'

const FREE = 0
/** A bit of the state word: somebody may sleep. Above it is the number of the holder, from 1 on. */
const SLEEPERS = 1
const HOLDER_SHIFT = 1

const HELD_BY_ME = (threadId + 1) << HOLDER_SHIFT

/** A holder needs well under a microsecond for a typical batch; past this it was probably descheduled. */
const SPINS = 200
/** How long to sleep before asking whether the holder is still there. */
const PATIENCE_MS = 100

/** The lock will never be free again: its holder has ended, or is who asks for it. */
export class LockAbandonedError extends Error {
  readonly code = 'ERR_MEMSHARD_LOCK_ABANDONED'
  /** Node's number of the thread that has it. */
  readonly threadId: number

  constructor(holder: number, message: string) {
    super(message)
    this.name = 'LockAbandonedError'
    this.threadId = holder
  }
}

// What is counted of it.
export const LOCK_ACQUIRED = 0
export const LOCK_CONTENDED = 1
export const LOCK_WAIT_MICROSECONDS = 2
export const LOCK_COUNTERS = 3

export class Lock {
  readonly #word: Int32Array
  readonly #counters: Float64Array
  /**
   * Whether the thread of this number has ended, for who alone can tell and must not wait forever: the main
   * thread, whose event loop hears how threads end.
   */
  hasEnded: ((threadId: number) => boolean) | undefined

  /** The first array's first element is the lock's state; all zeros means free. */
  constructor(word: Int32Array, counters: Float64Array = new Float64Array(LOCK_COUNTERS)) {
    this.#word = word
    this.#counters = counters
  }

  /** @throws LockAbandonedError if nobody will ever give it back. */
  acquire(): void {
    if (Atomics.compareExchange(this.#word, 0, FREE, HELD_BY_ME) !== FREE) this.#wait()
    this.#counters[LOCK_ACQUIRED]++
  }

  /** To be asked for by who holds it, as it is to be reset. */
  counted(counter: number): number {
    return this.#counters[counter]
  }

  resetCounters(): void {
    this.#counters.fill(0)
  }

  release(): void {
    if ((Atomics.exchange(this.#word, 0, FREE) & SLEEPERS) !== 0) Atomics.notify(this.#word, 0, 1)
  }

  /** Beside the wait, looking at the clock costs little. */
  #wait(): void {
    const since = performance.now()
    this.#acquireContended()
    this.#counters[LOCK_CONTENDED]++
    this.#counters[LOCK_WAIT_MICROSECONDS] += (performance.now() - since) * 1000
  }

  #acquireContended(): void {
    const word = this.#word
    for (let spin = 0; spin < SPINS; spin++) {
      // Look before the exchange: a plain load doesn't take the cache line from the holder.
      if (Atomics.load(word, 0) !== FREE) continue
      if (Atomics.compareExchange(word, 0, FREE, HELD_BY_ME) === FREE) return
    }
    for (;;) {
      const seen = Atomics.load(word, 0)
      if (seen === FREE) {
        // Others may sleep still, and whoever gives the lock back wakes one: at worst one idle notify.
        if (Atomics.compareExchange(word, 0, FREE, HELD_BY_ME | SLEEPERS) === FREE) return
      } else if (
        (seen & SLEEPERS) !== 0 ||
        Atomics.compareExchange(word, 0, seen, seen | SLEEPERS) === seen
      ) {
        this.#sleep(seen | SLEEPERS)
      }
    }
  }

  /** Until the lock is given back, or for a while. */
  #sleep(seen: number): void {
    const holder = holderIn(seen)
    if (holder === threadId) {
      throw new LockAbandonedError(
        holder,
        'this thread has the lock already, and would wait for itself',
      )
    }
    const { hasEnded } = this
    const patience = hasEnded === undefined ? Number.POSITIVE_INFINITY : PATIENCE_MS
    if (Atomics.wait(this.#word, 0, seen, patience) !== 'timed-out') return
    // In this order: it may have given the lock back, and then ended in peace.
    if (hasEnded?.(holder) && holderIn(Atomics.load(this.#word, 0)) === holder) {
      throw new LockAbandonedError(holder, `thread ${holder} has ended while it had the lock`)
    }
  }
}

function holderIn(word: number): number {
  return (word >> HOLDER_SHIFT) - 1
}
