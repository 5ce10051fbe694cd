// For tests only: the server's sources as JavaScript that threads and processes of a test's own can load,
// which know nothing of vitest's transformations. Always what the sources are now, built or not.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export interface CompiledSources extends Disposable {
  /** The URL of a compiled module, given its path under `src/` with the extension `.js`. */
  url(path: string): string
}

export function compileSources(): CompiledSources {
  const project = fileURLToPath(new URL('../../tsconfig.json', import.meta.url))
  const directory = mkdtempSync(join(dirname(project), 'node_modules', '.sources-'))
  const compiler = fileURLToPath(import.meta.resolve('typescript/package.json'))
  const flags = ['--composite', '--incremental', '--declaration', '--declarationMap', '--sourceMap']
  execFileSync(process.execPath, [
    join(dirname(compiler), 'bin', 'tsc'),
    '--project',
    project,
    '--outDir',
    directory,
    '--noCheck',
    ...flags.flatMap((flag) => [flag, 'false']),
  ])
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  return {
    url: (path) => pathToFileURL(join(directory, path)).href,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  }
}
