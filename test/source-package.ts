// Sources as Debian packages them for this machine's release: memcached, and clients that have test suites. Fetched with
// apt-get from the mirror that the machine itself uses, with lists and a cache of our own, so that nothing of the
// machine's apt changes; needs no root. Knows nothing of what is done with the source.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { REPOSITORY } from './repository.ts'

/** Ignored by git. */
const CACHE = join(REPOSITORY, '.cache')
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const FETCH_DEADLINE_MS = 180_000

export interface SourcePackage {
  /** The unpacked source. */
  readonly directory: string
  /** memcached's version: `1.6.18`. */
  readonly version: string
}

/** Resolves to memcached's source, fetched at the first call on this machine. Rejects without apt-get or network. */
export async function memcachedSource(): Promise<SourcePackage> {
  const directory = await sourceOf('memcached', 'patched')
  const version = /^memcached \(([\d.]+)/.exec(
    await readFile(join(directory, 'debian', 'changelog'), 'utf8'),
  )?.[1]
  if (version === undefined) throw new Error(`no version in ${directory}/debian/changelog`)
  return { directory, version }
}

/** Resolves to the directory of a source package, as Debian has it or as its authors have released it. */
export async function sourceOf(name: string, as: 'patched' | 'released'): Promise<string> {
  const directory = join(CACHE, `${name}-source`)
  if (!existsSync(directory)) await fetchTo(directory, name, as)
  return directory
}

async function fetchTo(
  directory: string,
  source: string,
  as: 'patched' | 'released',
): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  const work = await mkdtemp(join(CACHE, 'fetch-'))
  try {
    const { name, mirror } = await release()
    const trusted = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : ''
    await writeFile(join(work, 'sources.list'), `deb-src ${trusted}${mirror} ${name} main\n`)
    await mkdir(join(work, 'lists', 'partial'), { recursive: true })
    await mkdir(join(work, 'archives', 'partial'), { recursive: true })
    const settings = {
      'Dir::Etc::sourcelist': join(work, 'sources.list'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State::lists': join(work, 'lists'),
      'Dir::Cache': work,
      // Downloads as whoever runs this: apt's own user may not see this directory.
      'APT::Sandbox::User': '',
      'Acquire::Languages': 'none',
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    await run('apt-get', [...options, '-qq', 'update'], work)
    const whole = as === 'patched' ? [] : ['--tar-only']
    await run('apt-get', [...options, '-qq', '--only-source', ...whole, 'source', source], work)
    if (as === 'released') await unpack(work)
    const entries = await readdir(work, { withFileTypes: true })
    const unpacked = entries.find((entry) => entry.isDirectory() && /-\d[\w.]*$/.test(entry.name))
    if (unpacked === undefined) throw new Error(`apt-get source ${source} left no directory`)
    // Whoever else fetched it meanwhile has fetched the same.
    await rename(join(work, unpacked.name), directory).catch((error: unknown) => {
      if (!existsSync(directory)) throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function unpack(work: string): Promise<void> {
  const archive = (await readdir(work)).find((file) => file.includes('.orig.tar.'))
  if (archive === undefined) throw new Error('apt-get source left no archive')
  await run('tar', ['-xf', archive], work)
}

/** This machine's release, and the mirror that its own apt takes it from. */
async function release(): Promise<{ name: string; mirror: string }> {
  const name = /^VERSION_CODENAME=(\S+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1]
  if (name === undefined) throw new Error('/etc/os-release names no release')
  const uris = await run('apt-get', ['--print-uris', 'update'], '/')
  const mirror = new RegExp(`^'(\\S+)/dists/${name}/(?:In)?Release'`, 'm').exec(uris)?.[1]
  if (mirror === undefined) throw new Error(`this machine's apt has no source for ${name}`)
  return { name, mirror }
}

async function run(command: string, argv: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(command, argv, {
    cwd,
    timeout: FETCH_DEADLINE_MS,
    env: { ...process.env, LC_ALL: 'C' },
  })
  return stdout
}
