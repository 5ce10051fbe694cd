// Counts what came of the requests. Knows nothing of who asked or when.
import { APPEND, DELETE, GET, INCR, OPERATIONS, SET, TOUCH } from './operation.ts'

/** Different complaints kept word for word; the rest are only counted. */
const COMPLAINTS_MAX = 5

export class Tally {
  /**
   * Answered keys by kind of operation. Of gets, found or not; of all others, those the server has carried
   * out, or did not have the key of. What it refused is among the errors only.
   */
  readonly operations = new Float64Array(OPERATIONS.length)
  /** Of the gets, the ones without a value. */
  misses = 0
  /** Answers that were wrong, or never came. */
  errors = 0
  /** Of the errors, values that were not what had been stored. */
  mismatches = 0
  bytesReceived = 0
  /** The first few different reasons of errors, for the report. */
  readonly complaints = new Set<string>()

  get gets(): number {
    return this.operations[GET]!
  }

  get sets(): number {
    return this.operations[SET]!
  }

  get deletes(): number {
    return this.operations[DELETE]!
  }

  get incrs(): number {
    return this.operations[INCR]!
  }

  get appends(): number {
    return this.operations[APPEND]!
  }

  get touches(): number {
    return this.operations[TOUCH]!
  }

  fail(complaint: string, count = 1): void {
    this.errors += count
    if (this.complaints.size < COMPLAINTS_MAX) this.complaints.add(complaint)
  }

  /** A value came back that the key can't hold. */
  mismatch(complaint: string): void {
    this.mismatches++
    this.fail(complaint)
  }
}
