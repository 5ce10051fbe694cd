// A copy of the server's compiled cache, with pages of 32 KiB instead of 1 MiB: so memory is full, and pages move, after a
// few operations instead of hundreds. A defect can be planted in it. Knows where packages are built to, and how the
// compiled modules are worded.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { REPOSITORY } from '../repository.ts'

/** Another wording of a compiled module. */
export interface Change {
  /** In the package's `cache/`. */
  readonly module: string
  /** What is there once. */
  readonly right: string
  readonly wrong: string
}

const SMALL_PAGES: readonly Change[] = [
  {
    module: 'arena.js',
    right: 'PAGE_BYTES = 1024 * 1024;',
    wrong: 'PAGE_BYTES = 32 * 1024;',
  },
  { module: 'arena.js', right: 'PAGE_UNITS_SHIFT = 17;', wrong: 'PAGE_UNITS_SHIFT = 12;' },
  // And a crawl takes several steps.
  { module: 'crawler.js', right: 'CHUNKS_PER_STEP = 1000;', wrong: 'CHUNKS_PER_STEP = 10;' },
  // What describes the items has room in the first page.
  {
    module: 'prefix-invalidations.js',
    right: 'MAX_INVALIDATIONS = 1024;',
    wrong: 'MAX_INVALIDATIONS = 32;',
  },
]

export class CopiedCache implements Disposable {
  readonly #directory: string

  constructor(changes: readonly Change[] = []) {
    const server = join(REPOSITORY, 'packages', 'server')
    const built = join(server, 'dist', 'cache')
    // Beside the package's dependencies, where its modules look for them.
    this.#directory = mkdtempSync(join(server, 'node_modules', `.model-${process.pid}-`))
    writeFileSync(join(this.#directory, 'package.json'), '{ "type": "module" }')
    mkdirSync(join(this.#directory, 'cache'))
    for (const module of readdirSync(built)) {
      if (!module.endsWith('.js') || module.endsWith('.test.js')) continue
      const source = readFileSync(join(built, module), 'utf8')
      const copy = [...SMALL_PAGES, ...changes]
        .filter((change) => change.module === module)
        .reduce(changed, source)
      writeFileSync(join(this.#directory, 'cache', module), copy)
    }
  }

  /** Where a module is, by its name with the extension `.js`. */
  url(module: string): string {
    return pathToFileURL(join(this.#directory, 'cache', module)).href
  }

  /** A module, by the same. */
  async load<Module>(module: string): Promise<Module> {
    return (await import(this.url(module))) as Module
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true })
  }
}

function changed(source: string, { module, right, wrong }: Change): string {
  const parts = source.split(right)
  if (parts.length === 2) return parts.join(wrong)
  throw new Error(`${module} has ${parts.length - 1} times: ${right}`)
}
