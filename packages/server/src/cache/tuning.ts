// What an operator may change while the server runs (`lru tune`, `slabs automove`, `cache_memlimit` and
// the like): numbers in shared memory that every thread reads where it needs them. Knows their names and
// first values, nothing of who obeys them.
import type { SharedState } from './shared-state.ts'

export interface TuningOptions {
  /** `-m`: the memory for items. */
  readonly memoryLimitBytes: number
  /** False is the flat LRU of `-o no_lru_maintainer`: one list, moved to the head on access. */
  readonly segmented: boolean
  /** Shares of a class's bytes, percent. */
  readonly hotPercent: number
  readonly warmPercent: number
  /** HOT's and WARM's tails go on when idle for longer than this multiple of the age of COLD's tail. */
  readonly hotMaxFactor: number
  readonly warmMaxFactor: number
  /** Items that will live at most this long go to TEMP, where nothing is ever moved or evicted. */
  readonly temporaryTtlSeconds: number | undefined
  /** 0 never moves a slab page, 1 moves one when the classes' ages ask for it, 2 on every eviction. */
  readonly slabAutomove: number
  readonly slabAutomoveRatio: number
  readonly slabAutomoveWindow: number
  readonly crawlerEnabled: boolean
  readonly crawlerSleepMicroseconds: number
  /** Items a crawl looks at per class; 0: all. */
  readonly crawlerItemsPerRun: number
  /** The number of `-v`. */
  readonly verbosity: number
}

const SET = 0
const MEMORY_LIMIT = 1
const SEGMENTED = 2
const HOT_PERCENT = 3
const WARM_PERCENT = 4
const HOT_MAX_FACTOR = 5
const WARM_MAX_FACTOR = 6
const TEMPORARY_TTL = 7
const SLAB_AUTOMOVE = 8
const SLAB_AUTOMOVE_RATIO = 9
const SLAB_AUTOMOVE_WINDOW = 10
const CRAWLER_ENABLED = 11
const CRAWLER_SLEEP = 12
const CRAWLER_ITEMS = 13
const VERBOSITY = 14
const VALUES = 15

/** No TTL is as low: there is no TEMP list. */
const NO_TEMPORARY_TTL = -1

export class Tuning {
  readonly #values: Float64Array

  /** The first thread to make one sets the values; the others find them, changed perhaps. */
  constructor(state: SharedState, options: TuningOptions) {
    this.#values = state.float64(VALUES)
    if (this.#values[SET] === 1) return
    this.memoryLimitBytes = options.memoryLimitBytes
    this.segmented = options.segmented
    this.hotPercent = options.hotPercent
    this.warmPercent = options.warmPercent
    this.hotMaxFactor = options.hotMaxFactor
    this.warmMaxFactor = options.warmMaxFactor
    this.temporaryTtlSeconds = options.temporaryTtlSeconds
    this.slabAutomove = options.slabAutomove
    this.slabAutomoveRatio = options.slabAutomoveRatio
    this.slabAutomoveWindow = options.slabAutomoveWindow
    this.crawlerEnabled = options.crawlerEnabled
    this.crawlerSleepMicroseconds = options.crawlerSleepMicroseconds
    this.crawlerItemsPerRun = options.crawlerItemsPerRun
    this.verbosity = options.verbosity
    this.#values[SET] = 1
  }

  get memoryLimitBytes(): number {
    return this.#values[MEMORY_LIMIT]
  }

  set memoryLimitBytes(bytes: number) {
    this.#values[MEMORY_LIMIT] = bytes
  }

  get segmented(): boolean {
    return this.#values[SEGMENTED] === 1
  }

  set segmented(on: boolean) {
    this.#values[SEGMENTED] = on ? 1 : 0
  }

  get hotPercent(): number {
    return this.#values[HOT_PERCENT]
  }

  set hotPercent(percent: number) {
    this.#values[HOT_PERCENT] = percent
  }

  get warmPercent(): number {
    return this.#values[WARM_PERCENT]
  }

  set warmPercent(percent: number) {
    this.#values[WARM_PERCENT] = percent
  }

  get hotMaxFactor(): number {
    return this.#values[HOT_MAX_FACTOR]
  }

  set hotMaxFactor(factor: number) {
    this.#values[HOT_MAX_FACTOR] = factor
  }

  get warmMaxFactor(): number {
    return this.#values[WARM_MAX_FACTOR]
  }

  set warmMaxFactor(factor: number) {
    this.#values[WARM_MAX_FACTOR] = factor
  }

  /** Undefined while there is no TEMP list. */
  get temporaryTtlSeconds(): number | undefined {
    const seconds = this.#values[TEMPORARY_TTL]
    return seconds === NO_TEMPORARY_TTL ? undefined : seconds
  }

  set temporaryTtlSeconds(seconds: number | undefined) {
    this.#values[TEMPORARY_TTL] = seconds ?? NO_TEMPORARY_TTL
  }

  get slabAutomove(): number {
    return this.#values[SLAB_AUTOMOVE]
  }

  set slabAutomove(mode: number) {
    this.#values[SLAB_AUTOMOVE] = mode
  }

  get slabAutomoveRatio(): number {
    return this.#values[SLAB_AUTOMOVE_RATIO]
  }

  set slabAutomoveRatio(ratio: number) {
    this.#values[SLAB_AUTOMOVE_RATIO] = ratio
  }

  get slabAutomoveWindow(): number {
    return this.#values[SLAB_AUTOMOVE_WINDOW]
  }

  set slabAutomoveWindow(samples: number) {
    this.#values[SLAB_AUTOMOVE_WINDOW] = samples
  }

  get crawlerEnabled(): boolean {
    return this.#values[CRAWLER_ENABLED] === 1
  }

  set crawlerEnabled(on: boolean) {
    this.#values[CRAWLER_ENABLED] = on ? 1 : 0
  }

  get crawlerSleepMicroseconds(): number {
    return this.#values[CRAWLER_SLEEP]
  }

  set crawlerSleepMicroseconds(microseconds: number) {
    this.#values[CRAWLER_SLEEP] = microseconds
  }

  get crawlerItemsPerRun(): number {
    return this.#values[CRAWLER_ITEMS]
  }

  set crawlerItemsPerRun(items: number) {
    this.#values[CRAWLER_ITEMS] = items
  }

  get verbosity(): number {
    return this.#values[VERBOSITY]
  }

  set verbosity(level: number) {
    this.#values[VERBOSITY] = level
  }
}
