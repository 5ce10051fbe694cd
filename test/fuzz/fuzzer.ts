// The loop: an input of the corpus, changed, run on the target, and kept if it went where none has been. Knows
// neither targets nor where results go.
import { Corpus } from './corpus.ts'
import { mutate } from './mutation.ts'
import { Random } from './random.ts'
import type { Target } from './target.ts'

/** After so many executions the target looks for what single ones can't show. */
const EXECUTIONS_PER_CHECK = 2_000

export interface Plan {
  readonly seed: number
  /** Stops after so many executions, or when so many milliseconds have gone. */
  readonly executions: number
  readonly milliseconds: number
}

/** What others see of a run while it goes on, from other threads too. */
export interface Progress {
  readonly executions: number
  readonly inputs: number
  readonly coverage: number
}

export interface Defect {
  readonly error: Error
  /** What was run last, the input that showed the defect at the end. */
  readonly inputs: readonly Uint8Array[]
}

export interface Outcome extends Progress {
  readonly corpus: readonly Uint8Array[]
  readonly defect: Defect | undefined
}

export class Fuzzer {
  readonly #target: Target
  readonly #counters: Uint8Array
  readonly #corpus: Corpus
  readonly #recent: Uint8Array[] = []
  readonly #running: (input: Uint8Array) => void
  #executions = 0

  /** `running` hears of each input before it is run. */
  constructor(target: Target, counters: Uint8Array, running: (input: Uint8Array) => void) {
    this.#target = target
    this.#counters = counters
    this.#corpus = new Corpus(counters.length)
    this.#running = running
  }

  /** Runs `known` inputs and then others, made from those that lead furthest. */
  run(known: readonly Uint8Array[], { seed, executions, milliseconds }: Plan): Outcome {
    const random = new Random(seed)
    const until = performance.now() + milliseconds
    const corpus = this.#corpus
    const { dictionary, seeds } = this.#target
    const mutator = { random, dictionary, other: () => corpus.choose(random) }
    try {
      for (const input of [...seeds, ...known, new Uint8Array()]) this.#execute(input)
      while (this.#executions < executions && performance.now() < until) {
        this.#execute(mutate(corpus.choose(random), mutator))
      }
      this.#target.check()
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      return { ...this.progress, corpus: corpus.inputs, defect: { error, inputs: this.#recent } }
    }
    return { ...this.progress, corpus: corpus.inputs, defect: undefined }
  }

  /** Whether some input took the branch with this counter. */
  reached(branch: number): boolean {
    return this.#corpus.reached(branch)
  }

  get progress(): Progress {
    const { inputs, coverage } = this.#corpus
    return { executions: this.#executions, inputs: inputs.length, coverage }
  }

  #execute(input: Uint8Array): void {
    const counters = this.#counters
    this.#remember(input)
    this.#running(input)
    counters.fill(0)
    this.#target.run(input)
    this.#executions++
    this.#corpus.consider(input, counters)
    if (this.#executions % EXECUTIONS_PER_CHECK === 0) this.#target.check()
  }

  /** As many as one check looks at: what it finds came of one of them. */
  #remember(input: Uint8Array): void {
    if (this.#recent.length === EXECUTIONS_PER_CHECK) this.#recent.length = 0
    this.#recent.push(input)
  }
}
