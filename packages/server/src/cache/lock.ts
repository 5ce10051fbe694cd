// The lock over the whole cache: spin a little, then sleep. Knows nothing of what it guards.
//
// It protects everything that cache/ keeps in shared memory: arena, hash table, LRU lists, slab free
// lists, statistics, the CAS counter. There is only this one, so there is no order to take locks in. A
// worker holds it while it executes what one socket delivered (a batch of at most one input buffer and
// one reply buffer), never across a system call; background work holds it for one bounded step.
//
// The state word is Drepper's mutex ("Futexes Are Tricky", 2011): free, held, or held with sleepers.

const FREE = 0
const HELD = 1
const HELD_WITH_SLEEPERS = 2

/** A holder needs well under a microsecond for a typical batch; past this it was probably descheduled. */
const SPINS = 200

export class Lock {
  readonly #word: Int32Array

  /** The array's first element is the lock's state; all zeros means free. */
  constructor(word: Int32Array) {
    this.#word = word
  }

  acquire(): void {
    if (Atomics.compareExchange(this.#word, 0, FREE, HELD) !== FREE) this.#acquireContended()
  }

  release(): void {
    if (Atomics.exchange(this.#word, 0, FREE) === HELD_WITH_SLEEPERS) {
      Atomics.notify(this.#word, 0, 1)
    }
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
