// The results of many calls for one caller: what each was for, what came of it, and the promise that
// is kept when all of them have ended. Knows no node and no key.
import { PartialError } from '../errors.ts'

export class Batch<T, L = string> {
  readonly promise: Promise<Map<L, T>>
  readonly #values = new Map<L, T>()
  readonly #failed = new Map<L, Error>()
  readonly #size: number
  #settled = 0
  #resolve!: (values: Map<L, T>) => void
  #reject!: (error: PartialError<T, L>) => void

  constructor(size: number) {
    this.#size = size
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (size === 0) this.#resolve(this.#values)
  }

  /** One call has ended; `undefined` is a miss and leaves no entry. */
  resolved(label: L, value: T | undefined): void {
    if (value !== undefined) this.#values.set(label, value)
    this.#count()
  }

  rejected(label: L, error: unknown): void {
    this.#failed.set(label, error instanceof Error ? error : new Error(String(error)))
    this.#count()
  }

  #count(): void {
    if (++this.#settled < this.#size) return
    if (this.#failed.size === 0) this.#resolve(this.#values)
    else this.#reject(new PartialError(this.#values, this.#failed, this.#size))
  }
}
