// The ways in which a thread can come to grief, by name. Knows how each is brought about, not when.

export const FAULTS = ['throw', 'overflow', 'memory', 'exit', 'terminate'] as const
export type Fault = (typeof FAULTS)[number]

/** A request for this key brings the fault about while the lock is held. */
export const FAULT_KEY = 'fault:'
/** A request for this key has it wait for the next item that the thread stores, between hash table and LRU list. */
export const ARMING_KEY = 'arm:'

/** What the threads of a failing server share: who waits to be terminated, as Node's number of the thread. */
export type Condemned = Int32Array

/** For so long the lock is held before, so that everybody else waits for it. */
const OTHERS_WAIT_MS = 300

const idle = new Int32Array(new SharedArrayBuffer(4))

/** Doesn't return. */
export function fail(fault: Fault, condemned: Condemned, thread: number): void {
  Atomics.wait(idle, 0, 0, OTHERS_WAIT_MS)
  if (fault === 'throw') throw new Error('a fault of the test')
  if (fault === 'overflow') recurse(0)
  if (fault === 'memory') hoard()
  if (fault === 'exit') process.exit(0)
  Atomics.store(condemned, 0, thread)
  for (;;) Atomics.wait(idle, 0, 0, 1)
}

function recurse(depth: number): number {
  return recurse(depth + 1) + 1
}

function hoard(): never {
  const hoarded: number[][] = []
  for (;;) hoarded.push(new Array<number>(10_000).fill(0.5))
}
