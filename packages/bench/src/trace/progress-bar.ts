// Shows how far a long run has come, on one line of a terminal that is drawn again and again, or line after line
// where there is none. Knows nothing of what progresses, and no clock.
//
// Not cli-progress: it draws with ANSI codes whatever NO_COLOR says, has no bar for a size that is not known, no
// rate, and a timer of its own that would wake the load.
import { formatCount, formatPercent } from '../report/format.ts'

export interface Progress {
  /** Of the file. */
  readonly bytes: number
  /** Of all of the file; undefined when nobody knows. */
  readonly size: number | undefined
  readonly operations: number
}

/** As process.stderr is. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const DRAW_EVERY_MS = 200
const LINE_EVERY_MS = 5_000
const BAR_CELLS = 24
const ERASE_LINE = '\r\u001B[K'
const GREEN = '\u001B[32m'
const PLAIN = '\u001B[39m'

export class ProgressBar {
  readonly #output: ProgressOutput
  readonly #terminal: boolean
  readonly #colored: boolean
  readonly #begunAt: number
  #drawnAt: number
  #operationsDrawn = 0

  /** Times are in ms, of any clock that does not go back. */
  constructor(
    output: ProgressOutput,
    now: number,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.#output = output
    this.#terminal = output.isTTY === true && environment.TERM !== 'dumb'
    this.#colored = this.#terminal && !environment.NO_COLOR
    this.#begunAt = now
    this.#drawnAt = now
  }

  /** May be called as often as it is convenient: it draws a few times a second. */
  update(progress: Progress, now: number): void {
    const passed = now - this.#drawnAt
    if (passed >= (this.#terminal ? DRAW_EVERY_MS : LINE_EVERY_MS)) this.#draw(progress, now)
  }

  /** Leaves nothing on a terminal's line, for what is printed next. */
  finish(): void {
    if (this.#terminal) this.#output.write(ERASE_LINE)
  }

  #draw(progress: Progress, now: number): void {
    const seconds = (now - this.#drawnAt) / 1_000
    const rate = (progress.operations - this.#operationsDrawn) / seconds
    const words = [
      `${formatCount(progress.operations)} operations`,
      `${formatCount(rate)}/s`,
      `${clock(now - this.#begunAt)} elapsed`,
      ...this.#left(progress, now),
    ].join('  ')
    const text = `${share(progress)}${words}`
    this.#drawnAt = now
    this.#operationsDrawn = progress.operations
    if (this.#terminal) this.#output.write(`${ERASE_LINE}${this.#fit(progress, text)}`)
    else this.#output.write(`${text}\n`)
  }

  #left({ bytes, size }: Progress, now: number): string[] {
    if (size === undefined || bytes === 0) return []
    return [`${clock(((now - this.#begunAt) * (size - bytes)) / bytes)} left`]
  }

  /** With a bar where there is room for one; a line that wraps could not be erased. */
  #fit(progress: Progress, text: string): string {
    const columns = (this.#output.columns ?? 80) - 1
    const { bytes, size } = progress
    if (size === undefined || text.length + BAR_CELLS + 3 > columns) return text.slice(0, columns)
    const done = Math.floor((BAR_CELLS * bytes) / size)
    const bar = '#'.repeat(done)
    return `[${this.#colored ? `${GREEN}${bar}${PLAIN}` : bar}${'.'.repeat(BAR_CELLS - done)}] ${text}`
  }
}

function share({ bytes, size }: Progress): string {
  return size === undefined ? '' : `${formatPercent(bytes / size).padStart(5)}  `
}

/** `0:07`, `12:34`, `1:02:03`. */
function clock(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000)
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.floor(seconds / 60) % 60
  const rest = String(seconds % 60).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`
}
