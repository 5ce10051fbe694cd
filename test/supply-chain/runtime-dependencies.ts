// What comes along when one of our packages is installed: all of it, by way of the lockfile, with the manifests as they are
// installed here.
import { existsSync, realpathSync } from 'node:fs'
import { join, relative } from 'node:path'
import { REPOSITORY } from '../repository.ts'
import { type Lockfile, readLockfile } from './lockfile.ts'
import { type Manifest, PUBLISHED, readManifest } from './manifests.ts'

export interface Dependency {
  readonly name: string
  readonly version: string
  /** As the lockfile has it; none of our own packages has one. */
  readonly integrity: string | undefined
  /** Undefined where it is for other platforms and so not installed here. */
  readonly manifest: Manifest | undefined
  /** What it asks for in turn, each as `name@version`. */
  readonly asksFor: readonly string[]
}

/** What npm doesn't install along, because a file of ours for browsers holds what we need of it. */
const BUNDLED: Readonly<Record<string, readonly string[]>> = {
  'packages/server': ['@observablehq/plot'],
}

/** What npm installs, by `name@version`, sorted; the package itself is one of them. */
export function runtimeDependencies(member: string): ReadonlyMap<string, Dependency> {
  const found = new Map<string, Dependency>()
  visitOwn(member, readLockfile(), found)
  return sorted(found)
}

/** That, and what our bundles hold. */
export function shippedDependencies(member: string): ReadonlyMap<string, Dependency> {
  const found = new Map(runtimeDependencies(member))
  const lockfile = readLockfile()
  for (const own of PUBLISHED) {
    const { name, version } = readManifest(join(REPOSITORY, own))
    const holder = found.get(`${name}@${version}`)
    if (holder === undefined) continue
    const held = (BUNDLED[own] ?? []).map((dependency) => {
      const { version } = lockfile.importers[own]!.devDependencies![dependency]!
      return visit(dependency, version, join(REPOSITORY, own, 'node_modules'), lockfile, found)
    })
    found.set(`${name}@${version}`, { ...holder, asksFor: [...holder.asksFor, ...held] })
  }
  return sorted(found)
}

function sorted(found: Found): Found {
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

type Found = Map<string, Dependency>

function visitOwn(member: string, lockfile: Lockfile, found: Found): string {
  const directory = join(REPOSITORY, member)
  const manifest = readManifest(directory)
  const id = `${manifest.name}@${manifest.version}`
  if (found.has(id)) return id
  const { dependencies, optionalDependencies } = lockfile.importers[member]!
  const chosen = Object.entries({ ...dependencies, ...optionalDependencies })
  const { name, version } = manifest
  found.set(id, { name, version, integrity: undefined, manifest, asksFor: [] })
  const asksFor = chosen.map(([dependency, { version }]) =>
    version.startsWith('link:')
      ? visitOwn(relative(REPOSITORY, join(directory, version.slice(5))), lockfile, found)
      : visit(dependency, version, join(directory, 'node_modules'), lockfile, found),
  )
  found.set(id, { name, version, integrity: undefined, manifest, asksFor })
  return id
}

/** `installedIn` is the node_modules that whoever asks for it would look into. */
function visit(
  name: string,
  versionWithPeers: string,
  installedIn: string,
  lockfile: Lockfile,
  found: Found,
): string {
  const version = versionWithPeers.replace(/\(.*/, '')
  const id = `${name}@${version}`
  if (found.has(id)) return id
  const { resolution } = lockfile.packages[id]!
  const link = join(installedIn, name)
  const directory = existsSync(link) ? realpathSync(link) : undefined
  const manifest = directory === undefined ? undefined : readManifest(directory)
  found.set(id, { name, version, integrity: resolution.integrity, manifest, asksFor: [] })
  // pnpm puts what a package asks for beside it.
  const beside = join(directory ?? installedIn, ...(name.includes('/') ? ['../..'] : ['..']))
  const { dependencies, optionalDependencies } = lockfile.snapshots[`${name}@${versionWithPeers}`]!
  const asksFor = Object.entries({ ...dependencies, ...optionalDependencies }).map(
    ([dependency, chosen]) => visit(dependency, chosen, beside, lockfile, found),
  )
  found.set(id, { name, version, integrity: resolution.integrity, manifest, asksFor })
  return id
}
