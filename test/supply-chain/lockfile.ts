// The lockfile as it is: which package in which version with which checksum, and who asked for it. Knows nothing of what
// is installed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { REPOSITORY } from '../repository.ts'

/** How an entry is fetched; one from a registry has nothing but a checksum. */
export interface Resolution {
  readonly integrity?: string
  readonly [source: string]: unknown
}

/** By name: which version was chosen, and what was asked for. */
export type Asked = Readonly<
  Record<string, { readonly specifier: string; readonly version: string }>
>

export interface Importer {
  readonly dependencies?: Asked
  readonly optionalDependencies?: Asked
  readonly devDependencies?: Asked
}

export interface Lockfile {
  readonly settings: Readonly<Record<string, unknown>>
  /** Packages of this repository, by their directories. */
  readonly importers: Readonly<Record<string, Importer>>
  /** By `name@version`. */
  readonly packages: Readonly<Record<string, { readonly resolution: Resolution }>>
  /** Their dependencies, by `name@version(peer@version)`; versions are written so, too. */
  readonly snapshots: Readonly<
    Record<
      string,
      {
        readonly dependencies?: Readonly<Record<string, string>>
        readonly optionalDependencies?: Readonly<Record<string, string>>
      }
    >
  >
}

let lockfile: Lockfile | undefined

/** Read once in a process. */
export function readLockfile(): Lockfile {
  lockfile ??= parse(readFileSync(join(REPOSITORY, 'pnpm-lock.yaml'), 'utf8')) as Lockfile
  return lockfile
}
