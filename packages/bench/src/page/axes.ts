// Where the ticks of an axis are and what they say. Knows no plot.

export interface Axis {
  readonly scale: 'linear' | 'log'
  readonly domain: readonly [number, number]
  /** How many there should be, or where. */
  readonly ticks: number | readonly number[]
  readonly tickText: (value: number) => string
  /** What a tip says of a value: more precise than a tick. */
  readonly text: (value: number) => string
}

/** Ticks within a decade. */
const STEPS = [1, 2, 5]
/** In pixels, from one label to the next. */
const LABEL_HEIGHT = 20

/** A decade at least, so that what hardly varies looks like it. Of positive values. */
export function logDomain(values: readonly number[]): [number, number] {
  let low = stepBelow(least(values))
  let high = stepAbove(greatest(values))
  while (high / low < 9.99) {
    high = stepAbove(high * 1.01)
    if (high / low < 9.99) low = stepBelow(low * 0.99)
  }
  return [low, high]
}

/** 1, 2 and 5 of each decade, or the decades alone where there are many for the height, in pixels. */
export function logTicks([low, high]: readonly [number, number], height: number): number[] {
  const fine = Math.log10(high / low) * STEPS.length * LABEL_HEIGHT <= height
  const ticks: number[] = []
  for (let decade = Math.floor(Math.log10(low)); 10 ** decade <= high; decade++) {
    for (const step of fine ? STEPS : [1]) {
      const tick = exact(step * 10 ** decade)
      if (tick >= low && tick <= high) ticks.push(tick)
    }
  }
  return ticks
}

/** From zero, with some room above. */
export function linearDomain(values: readonly number[]): [number, number] {
  const high = greatest(values)
  return [0, high > 0 ? high * 1.05 : 1]
}

/** Of 1/(1-p): `99.9` for a thousand. */
export function percentileText(inverse: number): string {
  const digits = Math.max(0, Math.ceil(Math.log10(inverse) - 1e-9) - 1)
  return String(Number((100 * (1 - 1 / inverse)).toFixed(digits + (isTick(inverse) ? 0 : 1))))
}

/** Those that are named by nines, up to the furthest. */
export function percentileTicks(furthest: number): number[] {
  return PERCENTILE_TICKS.filter((tick) => tick <= furthest * 1.001)
}

const PERCENTILE_TICKS = [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6]

function isTick(inverse: number): boolean {
  return PERCENTILE_TICKS.includes(inverse)
}

export function least(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY)
}

export function greatest(values: readonly number[]): number {
  return values.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY)
}

function stepBelow(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value))
  return exact((STEPS.findLast((step) => step * decade <= value) ?? 1) * decade)
}

function stepAbove(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value))
  return exact((STEPS.find((step) => step * decade >= value) ?? 10) * decade)
}

/** 0.3, of 0.30000000000000004. */
function exact(value: number): number {
  return Number(value.toPrecision(6))
}
