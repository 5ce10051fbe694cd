// What package.json files say, of this repository's packages and of others.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../repository.ts'

type ByName = Readonly<Record<string, string>>

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly private?: boolean
  readonly license?: string
  /** As it was written before 2014. */
  readonly licenses?: readonly { readonly type: string }[]
  readonly packageManager?: string
  readonly engines?: { readonly node?: string }
  readonly bin?: ByName
  readonly exports?: Readonly<Record<string, unknown>>
  readonly scripts?: ByName
  readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean }
  readonly dependencies?: ByName
  readonly devDependencies?: ByName
  readonly optionalDependencies?: ByName
  readonly peerDependencies?: ByName
}

/** The directories of what is published, in the order in which they can be. */
export const PUBLISHED = ['packages/client', 'packages/server', 'packages/bench'] as const
/** Of all that have a package.json. */
export const MEMBERS = ['.', ...PUBLISHED, 'examples/web-app', 'test', 'docs'] as const

export function readManifest(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
}

/** Of a package of this repository. */
export function manifestOf(member: (typeof MEMBERS)[number]): Manifest {
  return readManifest(join(REPOSITORY, member))
}

/** As an expression of SPDX, if its author wrote one. */
export function licenceOf({ license, licenses }: Manifest): string | undefined {
  return license ?? licenses?.map(({ type }) => type).join(' OR ')
}
