// A terminal while a program has all of it: the alternate screen without a cursor, keys as they are pressed, and everything
// as it was before when the program ends, in whichever way. Knows no dashboard.
import type { Readable } from 'node:stream'
import type { Size } from './screen.ts'

/** What there is of the user's terminal, when stdin and stdout both are one. */
export interface TerminalAccess {
  size(): Size
  onResize(listener: () => void): void
  setRawMode(isRaw: boolean): void
  /** Called before the process ends, by a crash too, and before a crash is told. */
  onEnd(listener: () => void): void
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
// Terminals that know it show a frame at once; others ignore it.
const BEGIN_FRAME = '\x1b[?2026h'
const END_FRAME = '\x1b[?2026l'

export class Terminal implements Disposable {
  readonly #access: TerminalAccess
  readonly #stdin: Readable
  readonly #write: (text: string) => unknown
  readonly #typed: (data: Buffer) => void
  #isTaken = false
  /** What the terminal hasn't taken yet; frames until then are left out. */
  #isBusy = false

  constructor(
    access: TerminalAccess,
    stdin: Readable,
    write: (text: string) => unknown,
    typed: (text: string) => void,
  ) {
    this.#access = access
    this.#stdin = stdin
    this.#write = write
    this.#typed = (data) => typed(data.toString('utf8'))
    access.onEnd(() => this[Symbol.dispose]())
    this.#isTaken = true
    access.setRawMode(true)
    stdin.on('data', this.#typed)
    write(ENTER)
  }

  get size(): Size {
    return this.#access.size()
  }

  /** As many lines as the terminal has, at most. */
  show(lines: readonly string[]): void {
    if (!this.#isTaken || this.#isBusy) return
    const text = lines.map((line) => line + CLEAR_LINE).join('\r\n')
    const taken = this.#write(BEGIN_FRAME + HOME + text + CLEAR_BELOW + END_FRAME)
    if (!(taken instanceof Promise)) return
    this.#isBusy = true
    void taken.then(() => {
      this.#isBusy = false
    })
  }

  [Symbol.dispose](): void {
    if (!this.#isTaken) return
    this.#isTaken = false
    this.#write(LEAVE)
    this.#stdin.off('data', this.#typed)
    this.#stdin.pause()
    this.#access.setRawMode(false)
  }
}
