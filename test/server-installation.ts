// The server as the image has it: its package and what that depends on, in a directory, by the lockfile. One place for how
// that is done, which the Dockerfile is held to.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { succeed } from './debian-root.ts'
import { REPOSITORY } from './repository.ts'

/** What pnpm is given for it. */
export function installation(directory: string): readonly string[] {
  const injected = '--config.inject-workspace-packages=true'
  return ['--filter', '@memshard/server', 'deploy', '--prod', injected, directory]
}

export function installServer(directory: string): void {
  const { packageManager } = createRequire(import.meta.url)(join(REPOSITORY, 'package.json'))
  succeed('npx', '--yes', packageManager, ...installation(directory))
}
