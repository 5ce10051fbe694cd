// A directory with a small Debian in it, for what needs a system of its own: made by debootstrap once, which takes a
// minute or two, and kept for the next time. Knows nothing of who runs in it.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { REPOSITORY } from './repository.ts'

const SUITE = 'bookworm'
const KEPT = join(REPOSITORY, '.cache/debian')

/** Copies it to a directory that isn't there yet, with the packages and the Node.js that the tests run on. */
export async function makeDebianRoot(
  directory: string,
  packages: readonly string[],
): Promise<void> {
  const kept = join(KEPT, [SUITE, ...packages].join('-'))
  if (!existsSync(kept)) {
    await mkdir(KEPT, { recursive: true })
    // What was left half done by a run that was ended is no Debian.
    const unfinished = `${kept}.new`
    await rm(unfinished, { recursive: true, force: true })
    const include = packages.length > 0 ? [`--include=${packages.join(',')}`] : []
    succeed('debootstrap', '--variant=minbase', ...include, SUITE, unfinished)
    for (const downloaded of ['var/cache/apt', 'var/lib/apt/lists']) {
      await rm(join(unfinished, downloaded), { recursive: true })
    }
    await rename(unfinished, kept)
  }
  succeed('cp', '--archive', '--reflink=auto', kept, directory)
  await copyFile(process.execPath, join(directory, 'usr/local/bin/node'))
}

/** Runs to its end, and returns what it said on stdout; throws with all it said if that was no success. */
export function succeed(command: string, ...argv: readonly string[]): string {
  const options = { encoding: 'utf8', cwd: REPOSITORY, maxBuffer: 64 * 1024 * 1024 } as const
  const { status, stdout, stderr, error } = spawnSync(command, argv, options)
  if (status === 0) return stdout
  throw new Error(`${command} ${argv.join(' ')}: ${error ?? stdout + stderr}`)
}
