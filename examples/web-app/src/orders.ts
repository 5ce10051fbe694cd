// The nursery's orders, and questions about them. There is no index: each question reads every order, once for each
// of its resamples, by which it says how sure its answer is ("Poisson bootstrap"). That is real work, of some tens of
// milliseconds, and what the cache is there to spare. Knows no thread, no cache and no page.
import { flowersIn, PLANTS } from './plants.ts'
import { randomFrom } from './random.ts'

/** A number that was estimated, with its standard error. */
export interface Estimate {
  readonly value: number
  readonly error: number
}

/** What was asked about a plant. */
export interface PlantEstimate extends Estimate {
  readonly plant: number
}

export interface Questions {
  /** Orders of each plant in a month of the year, the most first. */
  popular: { readonly ask: { readonly month: number }; readonly answer: readonly PlantEstimate[] }
  /** How each plant's growers rate it, the best first. */
  rated: { readonly ask: Record<never, never>; readonly answer: readonly PlantEstimate[] }
  /** What is ordered together with it, by how much oftener than chance has it. */
  together: { readonly ask: { readonly plant: number }; readonly answer: readonly PlantEstimate[] }
  /** How many of its growers, of 0 to 1, gave it one star, two, ..., five. */
  ratings: { readonly ask: { readonly plant: number }; readonly answer: readonly Estimate[] }
  /** Its orders in each month. */
  calendar: { readonly ask: { readonly plant: number }; readonly answer: readonly Estimate[] }
}

export type Question = keyof Questions
export type Ask<Q extends Question> = Questions[Q]['ask']
export type Answer<Q extends Question> = Questions[Q]['answer']

export const ORDERS = 60_000
const MAX_PLANTS_OF_ORDER = 5
export const RESAMPLES = 12
const MONTHS = 12
const STARS = 5
/** Of those who have a plant, so many look for what goes with it. */
const COMPANION_CHANCE = 0.45

export class Orders {
  /** Where the lines of each order begin, and where those of the last end. */
  readonly #begins = new Uint32Array(ORDERS + 1)
  readonly #months = new Uint8Array(ORDERS)
  readonly #plants = new Uint8Array(ORDERS * MAX_PLANTS_OF_ORDER)
  readonly #stars = new Uint8Array(ORDERS * MAX_PLANTS_OF_ORDER)

  constructor(seed = 1) {
    const random = randomFrom(seed)
    let line = 0
    for (let order = 0; order < ORDERS; order++) {
      const month = 1 + Math.floor(random() * MONTHS)
      this.#months[order] = month
      const count = 1 + Math.floor(random() ** 2 * MAX_PLANTS_OF_ORDER)
      let plant = drawn(random, month)
      for (let i = 0; i < count; i++) {
        this.#plants[line] = plant
        this.#stars[line] = starsOf(plant, random)
        line++
        plant = random() < COMPANION_CHANCE ? companionOf(plant, random) : drawn(random, month)
      }
      this.#begins[order + 1] = line
    }
  }

  popular({ month }: Ask<'popular'>): Answer<'popular'> {
    const samples = this.#resample(PLANTS.length, (order, weight, bins) => {
      if (this.#months[order] !== month) return
      this.#eachLine(order, (line) => {
        bins[this.#plants[line]!]! += weight
      })
    })
    return ranked(PLANTS.map(({ id }) => estimate(samples.map((bins) => bins[id]!))))
  }

  rated(): Answer<'rated'> {
    const all = PLANTS.length
    const samples = this.#resample(2 * all, (order, weight, bins) => {
      this.#eachLine(order, (line) => {
        const plant = this.#plants[line]!
        bins[plant]! += weight
        bins[all + plant]! += weight * this.#stars[line]!
      })
    })
    return ranked(
      PLANTS.map(({ id }) => estimate(samples.map((bins) => bins[all + id]! / bins[id]!))),
    )
  }

  together({ plant }: Ask<'together'>): Answer<'together'> {
    const all = PLANTS.length
    const samples = this.#resample(2 * all + 1, (order, weight, bins) => {
      let has = false
      this.#eachLine(order, (line) => {
        if (this.#plants[line] === plant) has = true
      })
      bins[2 * all]! += weight
      this.#eachLine(order, (line) => {
        const other = this.#plants[line]!
        bins[other]! += weight
        if (has) bins[all + other]! += weight
      })
    })
    const lift = (bins: Float64Array, other: number): number =>
      (bins[all + other]! * bins[2 * all]!) / (bins[other]! * bins[plant]!)
    const lifts = PLANTS.map(({ id }) => estimate(samples.map((bins) => lift(bins, id))))
    return ranked(lifts).filter((one) => one.plant !== plant)
  }

  ratings({ plant }: Ask<'ratings'>): Answer<'ratings'> {
    const samples = this.#resample(STARS + 1, (order, weight, bins) => {
      this.#eachLine(order, (line) => {
        if (this.#plants[line] !== plant) return
        bins[STARS]! += weight
        bins[this.#stars[line]! - 1]! += weight
      })
    })
    return listOf(STARS, (star) => estimate(samples.map((one) => one[star]! / one[STARS]!)))
  }

  calendar({ plant }: Ask<'calendar'>): Answer<'calendar'> {
    const samples = this.#resample(MONTHS, (order, weight, bins) => {
      this.#eachLine(order, (line) => {
        if (this.#plants[line] === plant) bins[this.#months[order]! - 1]! += weight
      })
    })
    return listOf(MONTHS, (month) => estimate(samples.map((one) => one[month]!)))
  }

  /** Each resample has an order never, once or several times, as if the orders were drawn anew. */
  #resample(
    size: number,
    count: (order: number, weight: number, bins: Float64Array) => void,
  ): Float64Array[] {
    return listOf(RESAMPLES, (sample) => {
      const random = randomFrom(sample + 1)
      const counted = new Float64Array(size)
      for (let order = 0; order < ORDERS; order++) {
        const weight = poisson(random())
        if (weight > 0) count(order, weight, counted)
      }
      return counted
    })
  }

  #eachLine(order: number, see: (line: number) => void): void {
    const end = this.#begins[order + 1]!
    for (let line = this.#begins[order]!; line < end; line++) see(line)
  }
}

function listOf<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

function estimate(samples: readonly number[]): Estimate {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length
  const squares = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { value: mean, error: Math.sqrt(squares / (samples.length - 1)) }
}

function ranked(estimates: readonly Estimate[]): PlantEstimate[] {
  return estimates.map((one, plant) => ({ ...one, plant })).sort((a, b) => b.value - a.value)
}

/** A number of Poisson's distribution with mean 1, of a number from 0 to 1. */
function poisson(uniform: number): number {
  let count = 0
  let term = Math.exp(-1)
  for (let left = uniform; left > term; ) {
    left -= term
    count++
    term /= count
  }
  return count
}

/** Plants are bought a month before they flower and while they do, the cheaper the more. */
function drawn(random: () => number, month: number): number {
  for (let tries = 0; tries < 6; tries++) {
    const plant = PLANTS[Math.floor(random() * PLANTS.length)]!
    const wanted = flowersIn(plant, month) || flowersIn(plant, month + 1) ? 0.7 : 0.08
    if (random() < wanted * (200 / (plant.cents + 100))) return plant.id
  }
  return Math.floor(random() * PLANTS.length)
}

/** Each plant goes best with three others. */
function companionOf(plant: number, random: () => number): number {
  const step = [5, 9, 16][Math.floor(random() * 3)]!
  return (plant + step) % PLANTS.length
}

function starsOf(plant: number, random: () => number): number {
  const mean = 3.4 + ((plant * 7) % PLANTS.length) / PLANTS.length
  const stars = Math.round(mean + (random() + random() + random() - 1.5) * 2)
  return Math.min(STARS, Math.max(1, stars))
}
