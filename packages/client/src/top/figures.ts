// Numbers as people read them at a glance: counts, bytes, shares, times, and rows of them as sparklines and bars.
// Pure; knows nothing of what they count.

const NOTHING = '-'
const BLOCKS = '▁▂▃▄▅▆▇█'

/** At most five characters: 7.25, 950, 12.3k, 4.56M. */
export function countText(count: number | undefined): string {
  if (count === undefined) return NOTHING
  return scaled(count, 1000, ['', 'k', 'M', 'G', 'T', 'P'])
}

export function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return NOTHING
  return scaled(bytes, 1024, ['B', 'K', 'M', 'G', 'T', 'P'])
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let unit = 0
  let rest = value
  // What would be rounded up to a step belongs to the next unit.
  while (rest >= step - 0.5 && unit < units.length - 1) {
    rest /= step
    unit++
  }
  const isWhole = unit === 0 && Number.isInteger(value)
  const digits = isWhole || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2
  return `${rest === 0 ? '0' : rest.toFixed(digits)}${units[unit]}`
}

export function percentText(share: number | undefined): string {
  return share === undefined ? NOTHING : `${(share * 100).toFixed(1)}%`
}

/** The largest unit and the one below it: 45s, 3m20s, 5h10m, 12d4h. */
export function secondsText(seconds: number | undefined): string {
  if (seconds === undefined) return NOTHING
  const whole = Math.floor(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${whole % 60}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${Math.floor((whole % 3600) / 60)}m`
  return `${Math.floor(whole / 86_400)}d${Math.floor((whole % 86_400) / 3600)}h`
}

export function microsecondsText(microseconds: number | undefined): string {
  if (microseconds === undefined) return NOTHING
  if (microseconds < 999.5) return `${Math.round(microseconds)}µs`
  if (microseconds < 1_000_000) return `${(microseconds / 1000).toFixed(1)}ms`
  return `${(microseconds / 1_000_000).toFixed(1)}s`
}

/** The newest figures, to the right; their largest is a full block. `top` is what a full block stands for instead. */
export function sparkline(figures: readonly number[], width: number, top?: number): string {
  const shown = width <= 0 ? [] : figures.slice(-width)
  const full = top ?? Math.max(...shown, 0)
  const block = (figure: number): string =>
    BLOCKS[full <= 0 ? 0 : Math.max(0, Math.min(7, Math.ceil((figure / full) * 8) - 1))] as string
  return shown.map(block).join('').padStart(Math.max(0, width))
}

export function bar(share: number, width: number): string {
  const filled = Math.round(Math.max(0, Math.min(1, share)) * width)
  return '█'.repeat(filled) + '░'.repeat(Math.max(0, width - filled))
}

/** Exactly so wide; what is cut off is told by an ellipsis. Nothing in it can steer a terminal. */
export function fitted(text: string, width: number, toTheRight = false): string {
  const characters = [...printable(text)]
  if (characters.length > width) {
    return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}…`
  }
  const room = ' '.repeat(width - characters.length)
  return toTheRight ? room + characters.join('') : characters.join('') + room
}

export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?')
}
