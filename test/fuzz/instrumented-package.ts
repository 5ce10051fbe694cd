// Copies of the packages' compiled modules that count their branches, for a fuzzer to see where its inputs lead.
// Knows where packages are built to; nothing of what they do.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { REPOSITORY } from '../repository.ts'
import { COVERAGE_BYTES, COVERAGE_PROPERTY, instrument } from './instrument.ts'
import type { PlantedDefect } from './planted-defects.ts'

/** What no target is about, and nothing of what they are needs. */
const UNUSED = /^(?:bundle|commonjs|page|runtime|admin|cli|top)\b|\.test\.js$/

/** A branch of a compiled module. */
export interface Branch {
  /** Package, and path of the module in it. */
  readonly module: string
  readonly line: number
  /** That line. */
  readonly text: string
}

export class InstrumentedPackages implements Disposable {
  readonly #allCounters = new Uint8Array(COVERAGE_BYTES)
  readonly #directories = new Map<string, string>()
  readonly #branches: Branch[] = []
  readonly #planted: PlantedDefect | undefined
  #used = 0

  /** `planted`: what is to be wrong with them. */
  constructor(planted?: PlantedDefect) {
    this.#planted = planted
    Object.assign(globalThis, { [COVERAGE_PROPERTY]: this.#allCounters })
  }

  /** How often each branch of what was loaded was taken since somebody cleared it, modulo 256. */
  get counters(): Uint8Array {
    const inWords = (this.#used + 3) & ~3
    return this.#allCounters.subarray(0, Math.min(inWords, COVERAGE_BYTES))
  }

  /** What each of the counters counts. */
  get branches(): readonly Branch[] {
    return this.#branches
  }

  /** A compiled module of a package, by its path under `src/` with the extension `.js`. */
  async load<Module>(name: 'server' | 'client', path: string): Promise<Module> {
    let directory = this.#directories.get(name)
    if (directory === undefined) {
      directory = this.#instrument(name)
      this.#directories.set(name, directory)
    }
    return (await import(pathToFileURL(join(directory, path)).href)) as Module
  }

  /** Beside the package's dependencies, where its modules look for them. */
  #instrument(name: string): string {
    const built = join(REPOSITORY, 'packages', name, 'dist')
    const copies = mkdtempSync(
      join(REPOSITORY, 'packages', name, 'node_modules', `.counted-${process.pid}-`),
    )
    writeFileSync(join(copies, 'package.json'), '{ "type": "module" }')
    const files = readdirSync(built, { recursive: true, encoding: 'utf8' })
    for (const file of files) {
      if (!file.endsWith('.js') || UNUSED.test(file)) continue
      const source = this.#plant(`${name}/${file}`, readFileSync(join(built, file), 'utf8'))
      const { code, counters, branchAt } = instrument(source, this.#used)
      this.#used += counters
      this.#note(`${name}/${file}`, source, branchAt)
      const copy = join(copies, file)
      mkdirSync(dirname(copy), { recursive: true })
      writeFileSync(copy, code)
    }
    return copies
  }

  #plant(module: string, source: string): string {
    const planted = this.#planted
    if (planted?.module !== module) return source
    const parts = source.split(planted.right)
    if (parts.length === 2) return parts.join(planted.wrong)
    throw new Error(`${module} has ${parts.length - 1} times: ${planted.right}`)
  }

  #note(module: string, source: string, branchAt: readonly number[]): void {
    const lines = source.split('\n')
    const branches: Branch[] = []
    let line = 0
    let lineEnd = lines[0].length
    for (const [index, at] of [...branchAt.entries()].sort(([, a], [, b]) => a - b)) {
      while (at > lineEnd) lineEnd += lines[++line].length + 1
      branches[index] = { module, line: line + 1, text: lines[line].trim() }
    }
    for (const branch of branches) this.#branches.push(branch)
  }

  [Symbol.dispose](): void {
    for (const directory of this.#directories.values()) rmSync(directory, { recursive: true })
    this.#directories.clear()
  }
}
