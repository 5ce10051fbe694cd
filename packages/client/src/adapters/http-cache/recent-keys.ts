// Keys of which something was seen a short while ago. As many as it is told, the oldest of them go first. Knows nothing else.

export class RecentKeys {
  readonly #max: number
  readonly #lifetime: number
  readonly #seenAt = new Map<string, number>()

  constructor(max: number, lifetimeMilliseconds: number) {
    this.#max = max
    this.#lifetime = lifetimeMilliseconds
  }

  has(key: string): boolean {
    return this.hasSince(key, performance.now() - this.#lifetime)
  }

  /** Whether it was seen after this moment, as `performance.now()` has it. */
  hasSince(key: string, moment: number): boolean {
    const seenAt = this.#seenAt.get(key)
    return seenAt !== undefined && seenAt >= moment
  }

  add(key: string): void {
    this.#seenAt.delete(key)
    this.#seenAt.set(key, performance.now())
    const now = performance.now()
    for (const [oldest, seenAt] of this.#seenAt) {
      if (this.#seenAt.size <= this.#max && now - seenAt < this.#lifetime) break
      this.#seenAt.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#seenAt.delete(key)
  }
}
