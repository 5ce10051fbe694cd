// Counts what came of the requests. Knows nothing of who asked or when.

/** Different complaints kept word for word; the rest are only counted. */
const COMPLAINTS_MAX = 5

export class Tally {
  /** Answered keys. */
  gets = 0
  /** Of these gets, the ones without a value. */
  misses = 0
  /** Acknowledged stores. */
  sets = 0
  /** Answers that were wrong, or never came. */
  errors = 0
  bytesReceived = 0
  /** The first few different reasons of errors, for the report. */
  readonly complaints = new Set<string>()

  get operations(): number {
    return this.gets + this.sets
  }

  fail(complaint: string, count = 1): void {
    this.errors += count
    if (this.complaints.size < COMPLAINTS_MAX) this.complaints.add(complaint)
  }
}

/** Counts at one moment, to be subtracted from those of a later one. */
export interface TallyMark {
  readonly gets: number
  readonly misses: number
  readonly sets: number
  readonly bytesReceived: number
}

export function markTally({ gets, misses, sets, bytesReceived }: Tally): TallyMark {
  return { gets, misses, sets, bytesReceived }
}
