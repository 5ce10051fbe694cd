// Copies of the packages' compiled modules that count their branches, for a fuzzer to see where its inputs lead.
// Knows where packages are built to; nothing of what they do.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { REPOSITORY } from '../repository.ts'
import { COVERAGE_BYTES, COVERAGE_PROPERTY, instrument } from './instrument.ts'

export class InstrumentedPackages implements Disposable {
  readonly #allCounters = new Uint8Array(COVERAGE_BYTES)
  readonly #directories = new Map<string, string>()
  #used = 0

  constructor() {
    Object.assign(globalThis, { [COVERAGE_PROPERTY]: this.#allCounters })
  }

  /** How often each branch of what was loaded was taken since somebody cleared it, modulo 256. */
  get counters(): Uint8Array {
    const inWords = (this.#used + 3) & ~3
    return this.#allCounters.subarray(0, Math.min(inWords, COVERAGE_BYTES))
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
    const copies = mkdtempSync(join(REPOSITORY, 'packages', name, 'node_modules', '.counted-'))
    writeFileSync(join(copies, 'package.json'), '{ "type": "module" }')
    const files = readdirSync(built, { recursive: true, encoding: 'utf8' })
    for (const file of files) {
      if (!file.endsWith('.js') || /^(?:bundle|commonjs|page)\b|\.test\.js$/.test(file)) continue
      const { code, counters } = instrument(readFileSync(join(built, file), 'utf8'), this.#used)
      this.#used += counters
      const copy = join(copies, file)
      mkdirSync(dirname(copy), { recursive: true })
      writeFileSync(copy, code)
    }
    return copies
  }

  [Symbol.dispose](): void {
    for (const directory of this.#directories.values()) rmSync(directory, { recursive: true })
    this.#directories.clear()
  }
}
