// What processes take over time: memory and descriptors, once a second. Linux only.
import { MIB, openDescriptors, residentBytes } from '../process-memory.ts'

export interface Growth {
  readonly name: string
  readonly seconds: number
  /** Mean of the first and of the last quarter of the time. */
  readonly residentMegabytes: readonly [first: number, last: number]
  readonly descriptors: readonly [first: number, last: number]
}

/** What a process takes at first is not what it takes. */
const WARM_UP_SECONDS = 30

interface Sample {
  readonly resident: number
  readonly descriptors: number
}

export class Samples {
  readonly #name: string
  #pid: number | undefined
  #samples: Sample[] = []

  constructor(name: string) {
    this.#name = name
  }

  /** Of the process that is there now; another one begins anew. */
  take(pid: number | undefined): void {
    if (pid !== this.#pid) this.#samples = []
    this.#pid = pid
    if (pid === undefined) return
    try {
      this.#samples.push({ resident: residentBytes(pid), descriptors: openDescriptors(pid) })
    } catch {
      // It has just ended.
    }
  }

  /** Undefined if the process hasn't been there for long. */
  get growth(): Growth | undefined {
    const samples = this.#samples.slice(WARM_UP_SECONDS)
    const quarter = Math.floor(samples.length / 4)
    if (quarter < 5) return undefined
    const [first, last] = [samples.slice(0, quarter), samples.slice(-quarter)]
    const mean = (part: readonly Sample[], of: keyof Sample): number =>
      part.reduce((sum, sample) => sum + sample[of], 0) / part.length
    return {
      name: this.#name,
      seconds: this.#samples.length,
      residentMegabytes: [mean(first, 'resident') / MIB, mean(last, 'resident') / MIB],
      descriptors: [mean(first, 'descriptors'), mean(last, 'descriptors')],
    }
  }
}
