// Two builds of the same sources, in surroundings as different as they get, and whether the same comes out.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { buildFresh, type Surroundings } from './fresh-build.ts'

export interface Reproduction {
  /** By the tarballs' names: both builds' SHA-256. */
  readonly checksums: ReadonlyMap<string, readonly [string, string]>
  /** Paths of the first build's tarballs. */
  readonly tarballs: readonly string[]
}

const HERE: Omit<Surroundings, 'directory'> = {
  umask: 0o022,
  locale: 'C',
  timeZone: 'UTC',
  clockDays: 0,
}
/** Another length of path, owner's files alone, letters sorted otherwise, another day, month and year. */
const ELSEWHERE: Omit<Surroundings, 'directory'> = {
  umask: 0o077,
  locale: 'tr_TR.UTF-8',
  timeZone: 'Pacific/Chatham',
  clockDays: -500,
}

/** Both builds are made under `directory`, which must be there, and stay there. */
export async function reproduce(directory: string): Promise<Reproduction> {
  const builds = [
    { directory: join(directory, 'a'), ...HERE },
    { directory: join(directory, 'elsewhere', 'another build'), ...ELSEWHERE },
  ]
  const [first, second] = await Promise.all(builds.map(buildFresh))
  const names = [...new Set([...first!, ...second!].map((path) => basename(path)))].sort()
  const checksumOf = async (name: string, tarballs: readonly string[]) => {
    const path = tarballs.find((tarball) => basename(tarball) === name)
    if (path === undefined) return 'not there'
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  const checksums = new Map<string, readonly [string, string]>()
  for (const name of names) {
    checksums.set(name, [await checksumOf(name, first!), await checksumOf(name, second!)])
  }
  return { checksums, tarballs: first! }
}
