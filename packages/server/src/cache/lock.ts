// The lock over the whole cache: spin a little, then sleep. Knows nothing of what it guards.
//
// It protects everything that cache/ keeps in shared memory: arena, hash table, LRU lists, slab free
// lists, statistics, the CAS counter. There is only this one, so there is no order to take locks in. A
// worker holds it while it executes what one socket delivered (a batch of at most one input buffer and
// one reply buffer), never across a system call; background work holds it for one bounded step.
//
// Who has it counts in it: how often it was taken, how often somebody had to wait, and for how long.
//
// The state word is Drepper's mutex ("Futexes Are Tricky", 2011): free, held, or held with sleepers.

const FREE = 0
const HELD = 1
const HELD_WITH_SLEEPERS = 2

/** A holder needs well under a microsecond for a typical batch; past this it was probably descheduled. */
const SPINS = 200

// What is counted of it.
export const LOCK_ACQUIRED = 0
export const LOCK_CONTENDED = 1
export const LOCK_WAIT_MICROSECONDS = 2
export const LOCK_COUNTERS = 3

export class Lock {
  readonly #word: Int32Array
  readonly #counters: Float64Array

  /** The first array's first element is the lock's state; all zeros means free. */
  constructor(word: Int32Array, counters: Float64Array = new Float64Array(LOCK_COUNTERS)) {
    this.#word = word
    this.#counters = counters
  }

  acquire(): void {
    if (Atomics.compareExchange(this.#word, 0, FREE, HELD) !== FREE) this.#wait()
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
    if (Atomics.exchange(this.#word, 0, FREE) === HELD_WITH_SLEEPERS) {
      Atomics.notify(this.#word, 0, 1)
    }
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
      if (Atomics.load(word, 0) === FREE && Atomics.compareExchange(word, 0, FREE, HELD) === FREE) {
        return
      }
    }
    // From here on we may leave the word at "with sleepers" although nobody sleeps: one idle notify.
    while (Atomics.exchange(word, 0, HELD_WITH_SLEEPERS) !== FREE) {
      Atomics.wait(word, 0, HELD_WITH_SLEEPERS)
    }
  }
}
