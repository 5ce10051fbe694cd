// Where this repository lies, for modules that run from their source and from dist/ alike. Knows no file but
// the one that marks the root.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MARK = 'pnpm-workspace.yaml'

/** The repository's root directory. */
export const REPOSITORY = root()

function root(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, MARK))) {
    const parent = dirname(directory)
    if (parent === directory) throw new Error(`no ${MARK} above ${import.meta.url}`)
    directory = parent
  }
  return directory
}
