// The results of many calls for one caller: what each was for, what came of it, and the promise that
// is kept when all of them have ended. Knows no node and no key.
import { PartialError } from '../errors.ts'

export class Batch<T> {
  readonly promise: Promise<Map<string, T>>
  readonly #values = new Map<string, T>()
  readonly #failed = new Map<string, Error>()
  readonly #size: number
  #settled = 0
  #resolve!: (values: Map<string, T>) => void
  #reject!: (error: PartialError<T>) => void

  constructor(size: number) {
    this.#size = size
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (size === 0) this.#resolve(this.#values)
  }

  /** One call has ended; `undefined` is a miss and leaves no entry. */
  resolved(label: string, value: T | undefined): void {
    if (value !== undefined) this.#values.set(label, value)
    this.#count()
  }

  rejected(label: string, error: unknown): void {
    this.#failed.set(label, error instanceof Error ? error : new Error(String(error)))
    this.#count()
  }

  #count(): void {
    if (++this.#settled < this.#size) return
    if (this.#failed.size === 0) this.#resolve(this.#values)
    else this.#reject(new PartialError(this.#values, this.#failed, this.#size))
  }
}
