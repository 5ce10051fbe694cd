// The samples that the page has seen, and what follows from two of them: rates and ratios over time. Bounded; knows
// no drawing.
import { SAMPLED, type Sample, type Sampled } from '../page-data.ts'

/** An hour. */
const KEPT_SAMPLES = 3_600

const INDEX = new Map<string, number>(SAMPLED.map((name, i) => [name, i]))

/** Values over time; null where nothing is known. */
export interface Series {
  readonly times: readonly number[]
  readonly values: readonly (number | null)[]
}

/** Something that is told of a stretch of time by its two ends. */
export type Measure = (now: Sample, before: Sample) => number | null

export class History {
  readonly #samples: Sample[] = []

  add(samples: readonly Sample[]): void {
    for (const sample of samples) if (sample.at > this.latestAt) this.#samples.push(sample)
    if (this.#samples.length > KEPT_SAMPLES) {
      this.#samples.splice(0, this.#samples.length - KEPT_SAMPLES)
    }
  }

  /** 0 while there is none. */
  get latestAt(): number {
    return this.#samples.at(-1)?.at ?? 0
  }

  get latest(): Sample | undefined {
    return this.#samples.at(-1)
  }

  /** At most about so many samples of the last seconds, evenly thinned: rates then are over longer stretches. */
  window(seconds: number, most: number): readonly Sample[] {
    const from = this.latestAt - seconds * 1000
    const first = this.#samples.findIndex(({ at }) => at >= from)
    // One more before, so that the first stretch has two ends.
    const within = this.#samples.slice(Math.max(0, first - 1))
    const step = Math.max(1, Math.ceil(within.length / most))
    if (step === 1) return within
    // By their place since 1970, so that the same ones stay from one second to the next.
    const last = within.at(-1)
    return within.filter((sample) => Math.round(sample.at / 1000) % step === 0 || sample === last)
  }
}

export function series(samples: readonly Sample[], measure: Measure): Series {
  const [first, ...rest] = samples
  let before = first
  const values = rest.map((now) => {
    const value = before === undefined ? null : measure(now, before)
    before = now
    return value
  })
  return { times: rest.map(({ at }) => at), values }
}

/** The statistic as it stands. */
export function standing(name: Sampled): Measure {
  return (now) => statisticOf(now, name)
}

/** What these have grown by per second; null when counting has begun anew. */
export function rate(...names: readonly Sampled[]): Measure {
  return (now, before) => {
    const grown = growth(now, before, names)
    const seconds = (now.at - before.at) / 1000
    return grown === null || seconds <= 0 ? null : grown / seconds
  }
}

/** Of what was counted in the stretch; null of nothing. */
export function share(part: readonly Sampled[], whole: readonly Sampled[]): Measure {
  return (now, before) => {
    const [some, all] = [growth(now, before, part), growth(now, before, whole)]
    return some === null || all === null || all === 0 ? null : some / all
  }
}

function growth(now: Sample, before: Sample, names: readonly Sampled[]): number | null {
  let sum = 0
  for (const name of names) {
    const [value, earlier] = [statisticOf(now, name), statisticOf(before, name)]
    if (value === null || earlier === null || value < earlier) return null
    sum += value - earlier
  }
  return sum
}

export function statisticOf(sample: Sample | undefined, name: Sampled): number | null {
  return sample?.values[INDEX.get(name) ?? -1] ?? null
}
