// Counts requests and their bytes by kind, as one batch is executed: requests of one kind that follow one another are
// counted together, so that each costs an increment. Knows kinds by number; callers hold the cache's lock.
import type { Telemetry } from '../cache/telemetry.ts'
import { OTHER } from './request-kinds.ts'
import type { RequestSamples } from './request-samples.ts'

export class RequestCounts {
  readonly #telemetry: Telemetry
  readonly #samples: RequestSamples
  /** Of the run under way: the requests' kind, how many have ended, and where it has begun. */
  kind = OTHER
  requests = 0
  #readBefore = 0
  #writtenBefore = 0

  constructor(telemetry: Telemetry, samples: RequestSamples) {
    this.#telemetry = telemetry
    this.#samples = samples
  }

  /** What follows is of this kind; input is at `read`, and so many bytes of answers are there. */
  begin(kind: number, read: number, written: number): void {
    this.kind = kind
    this.requests = 0
    this.#readBefore = read
    this.#writtenBefore = written
  }

  end(read: number, written: number): void {
    const { kind, requests } = this
    if (!this.#telemetry.enabled) return
    this.#telemetry.count(kind, requests, read - this.#readBefore, written - this.#writtenBefore)
    const { current } = this.#samples
    if (current !== undefined) current.counts[kind] += requests
  }
}
