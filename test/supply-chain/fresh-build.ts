// Builds and packs what is in this working tree, but in a copy of its own: nothing of the tree's dist/ gets in, and no test
// that builds meanwhile is disturbed.
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, readdir, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { REPOSITORY } from '../repository.ts'
import { manifestOf } from './manifests.ts'

/** All that may differ from one build to the next and must not be told by what comes out. */
export interface Surroundings {
  /** Where the copy is made: a directory that isn't there yet. */
  readonly directory: string
  readonly umask: number
  readonly locale: string
  readonly timeZone: string
  /** By how much the clock is wrong, in days; sources are as old. */
  readonly clockDays: number
}

const run = promisify(execFile)
const DAY_MS = 86_400_000
const EXECUTABLE = 0o100

/** Resolves to the paths of the tarballs. */
export async function buildFresh(surroundings: Surroundings): Promise<readonly string[]> {
  const { directory, umask, locale, timeZone, clockDays } = surroundings
  await copySources(surroundings)
  const tarballs = join(directory, 'tarballs')
  await mkdir(tarballs)
  const steps = [
    'pnpm install --frozen-lockfile --prefer-offline --ignore-scripts',
    `umask ${umask.toString(8)}`,
    `export NODE_OPTIONS="$CLOCK" TZ='${timeZone}' LC_ALL='${locale}' LANG='${locale}'`,
    'pnpm build',
    `pnpm --recursive --filter './packages/*' pack --pack-destination '${tarballs}'`,
  ]
  const { packageManager } = manifestOf('.')
  await run('npx', ['--yes', `--package=${packageManager}`, '--call', steps.join(' && ')], {
    cwd: directory,
    env: { ...process.env, CLOCK: clockOption(clockDays) },
    maxBuffer: 64 * 1024 * 1024,
  })
  return (await readdir(tarballs)).sort().map((name) => join(tarballs, name))
}

/** Tracked files and new ones, as they are now. */
async function copySources({ directory, umask, clockDays }: Surroundings): Promise<void> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { stdout } = await run('git', list, { cwd: REPOSITORY, maxBuffer: 64 * 1024 * 1024 })
  const time = (Date.now() + clockDays * DAY_MS) / 1_000
  for (const file of stdout.split('\0')) {
    const source = join(REPOSITORY, file)
    const found = file === '' ? undefined : await stat(source).catch(() => undefined)
    // One that was deleted is still tracked.
    if (!found?.isFile()) continue
    const copy = join(directory, file)
    await mkdir(dirname(copy), { recursive: true })
    await copyFile(source, copy)
    await chmod(copy, (found.mode & EXECUTABLE ? 0o777 : 0o666) & ~umask)
    await utimes(copy, time, time)
  }
}

/** For Node.js, which is what all but the compiler runs on. */
function clockOption(days: number): string {
  const module = `
    const Real = Date
    globalThis.Date = class Date extends Real {
      constructor(...args) { args.length === 0 ? super(Date.now()) : super(...args) }
      static now() { return Real.now() + ${days * DAY_MS} }
    }`
  return `--import=data:text/javascript,${encodeURIComponent(module)}`
}
