// What a fuzzer runs its inputs on. Knows nothing of how inputs are made.
import type { InstrumentedPackages } from './instrumented-package.ts'

export interface Target {
  /** Words that the inputs are likely to be made of. */
  readonly dictionary: readonly Uint8Array[]
  /** Inputs to begin with, besides those of the corpus. */
  readonly seeds: readonly Uint8Array[]
  /** The modules that it is about, as `server/protocol/classic.js`: those whose every branch is worth reaching. */
  readonly modules: readonly RegExp[]
  /** @throws for an input that shows a defect. */
  run(input: Uint8Array): void
  /** Looks for what single inputs can't show; also called when they are over. @throws for a defect. */
  check(): void
}

export type LoadTarget = (packages: InstrumentedPackages) => Promise<Target>

/** Text as bytes, Latin-1. */
export function words(...texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => Buffer.from(text, 'latin1'))
}
