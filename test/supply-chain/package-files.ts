// A tarball's files: which there are, with which modes, and what its modules import. Knows no package in particular.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { type Manifest, readManifest } from './manifests.ts'

const run = promisify(execFile)

export interface PackageFiles {
  readonly directory: string
  readonly manifest: Manifest
  /** Paths below the directory, sorted. */
  readonly files: readonly string[]
  text(file: string): Promise<string>
  mode(file: string): Promise<number>
}

/** Unpacks it into a directory of its own under `parent`. */
export async function unpack(tarball: string, parent: string): Promise<PackageFiles> {
  const target = await mkdtemp(join(parent, 'unpacked-'))
  await run('tar', ['--extract', '--file', tarball, '--directory', target])
  const directory = join(target, 'package')
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort()
  return {
    directory,
    manifest: readManifest(directory),
    files,
    text: (file) => readFile(join(directory, file), 'utf8'),
    mode: async (file) => (await stat(join(directory, file))).mode & 0o777,
  }
}

const SPECIFIERS = [
  /\b(?:import|export)\b[^'"();]*?\bfrom\s*['"]([^'"\n]+)['"]/g,
  /^\s*import\s*['"]([^'"\n]+)['"]/gm,
  /\b(?:import|require)\(\s*['"]([^'"\n]+)['"]\s*\)/g,
  /\bnew URL\(\s*['"](\.[^'"\n]+)['"],\s*import\.meta\.url/g,
]

/** What a module or a declaration file asks for, as it says so. */
export function specifiersOf(source: string): readonly string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  return SPECIFIERS.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name]) => name!))
}
