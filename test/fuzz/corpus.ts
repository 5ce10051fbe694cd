// Inputs that each took a branch as often as none before them: what further ones are made from. Kept in a directory,
// one file each, named by its content. Knows coverage, not what is covered.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from './random.ts'

const RECENT = 16

export class Corpus {
  readonly inputs: Uint8Array[] = []
  readonly #seen: Uint8Array

  /** `branches`: how many counters there are. */
  constructor(branches: number) {
    this.#seen = new Uint8Array(branches)
  }

  /**
   * Keeps the input if it is the first one that took some branch about as often as `counters` say; whether it is.
   * Counts are told apart as AFL does: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more.
   */
  consider(input: Uint8Array, counters: Uint8Array): boolean {
    let isNew = false
    const seen = this.#seen
    const words = new Int32Array(counters.buffer, counters.byteOffset, counters.length >>> 2)
    for (let word = 0; word < words.length; word++) {
      // Most branches are not taken.
      if (words[word] === 0) continue
      for (let at = word * 4; at < word * 4 + 4; at++) {
        const bucket = BUCKETS[counters[at]]
        if ((seen[at] & bucket) === bucket) continue
        seen[at] |= bucket
        isNew = true
      }
    }
    if (isNew) this.inputs.push(new Uint8Array(input))
    return isNew
  }

  /** Recent inputs and short ones rather than others: they lead further, and faster. */
  choose(random: Random): Uint8Array {
    const { length } = this.inputs
    const recent = Math.min(length, RECENT)
    if (random.below(4) === 0) return this.inputs[length - 1 - random.below(recent)]
    const [one, other] = [this.inputs[random.below(length)], this.inputs[random.below(length)]]
    return one.length < other.length ? one : other
  }

  /** Branches that some input took. */
  get coverage(): number {
    return this.#seen.reduce((sum, buckets) => sum + (buckets === 0 ? 0 : 1), 0)
  }

  /** Whether some input took the branch. */
  reached(branch: number): boolean {
    return this.#seen[branch] !== 0
  }
}

const BUCKETS = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count === 0) return 0
  if (count <= 3) return 1 << (count - 1)
  if (count <= 7) return 8
  if (count <= 15) return 16
  if (count <= 31) return 32
  return count <= 127 ? 64 : 128
})

/** The inputs of a directory; none if there is no such. */
export function readInputs(directory: string): Uint8Array[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .sort()
    .map((file) => readFileSync(join(directory, file)))
}

/** Makes a directory hold these inputs and no others. */
export function writeInputs(directory: string, inputs: readonly Uint8Array[]): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const input of inputs) writeFileSync(join(directory, nameOf(input)), input)
}

export function nameOf(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16)
}
