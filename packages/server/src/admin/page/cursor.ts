// The moment that the reader looks at, by pointer or by keys, in all charts at once. Knows no chart.

export class Cursor {
  #time: number | undefined
  readonly #listeners: (() => void)[] = []
  readonly #say: (text: string) => void

  /** `say` tells those who don't see it. */
  constructor(say: (text: string) => void) {
    this.#say = say
  }

  /** Milliseconds since 1970; undefined: now. */
  get time(): number | undefined {
    return this.#time
  }

  onMove(listener: () => void): void {
    this.#listeners.push(listener)
  }

  moveTo(time: number | undefined): void {
    if (time === this.#time) return
    this.#time = time
    for (const listener of this.#listeners) listener()
  }

  leave(): void {
    this.moveTo(undefined)
  }

  announce(text: string): void {
    this.#say(text)
  }

  /** The time that is nearest; undefined while nobody looks at one. */
  indexIn(times: readonly number[]): number | undefined {
    const time = this.#time
    if (time === undefined || times.length === 0) return undefined
    let nearest = 0
    for (let i = 1; i < times.length; i++) {
      if (Math.abs(times[i] - time) < Math.abs(times[nearest] - time)) nearest = i
    }
    return nearest
  }

  /** Whether the key is one that moves it. */
  moveByKey(key: string, times: readonly number[]): boolean {
    if (times.length === 0) return false
    const at = this.indexIn(times) ?? times.length - 1
    const last = times.length - 1
    const page = Math.max(1, Math.round(times.length / 10))
    const to: Readonly<Record<string, number | undefined>> = {
      ArrowLeft: Math.max(0, at - 1),
      ArrowRight: Math.min(last, at + 1),
      PageUp: Math.max(0, at - page),
      PageDown: Math.min(last, at + page),
      Home: 0,
      End: last,
    }
    if (key === 'Escape') {
      this.leave()
      return true
    }
    const next = to[key]
    if (next === undefined) return false
    this.moveTo(times[next])
    return true
  }
}
