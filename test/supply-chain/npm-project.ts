// A project of somebody who uses our packages: an empty directory and plain npm. Knows no pnpm and nothing of this
// repository but its compiler and the types of Node.js.
import { execFile } from 'node:child_process'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { REPOSITORY } from '../repository.ts'

const run = promisify(execFile)

/** What npm says when there is nobody to ask. */
export const UNREACHABLE = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH/
/** As it installs for those who are strict: no scripts, and nothing that this Node.js is too old for. */
const STRICT = ['--engine-strict']
const INSTALL = ['install', '--ignore-scripts', '--prefer-offline']
const QUIET = ['--no-audit', '--no-fund', '--fetch-retries=0']

export interface NpmProject {
  readonly directory: string
  /** Writes a file and has Node.js run it, this one or another; resolves to what it prints. */
  runs(file: string, source: string, node?: string): Promise<string>
  /** Compiles files with these flags over strict ones; rejects with what the compiler says. */
  compiles(files: Readonly<Record<string, string>>, flags: readonly string[]): Promise<void>
  /** Of `node_modules/.bin`. */
  executable(name: string): string
  /** By `npx`, which must not look elsewhere. */
  npx(...command: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }>
}

/**
 * Resolves to undefined if something has to be fetched and no registry is reached. `others` are what applications bring along,
 * whose own dependencies are not ours to be strict about.
 */
export async function installIn(
  directory: string,
  packages: readonly string[],
  others: readonly string[] = [],
): Promise<NpmProject | undefined> {
  await mkdir(directory)
  await writeFile(join(directory, 'package.json'), '{ "name": "project", "private": true }')
  try {
    await run('npm', [...INSTALL, ...STRICT, ...QUIET, ...packages], { cwd: directory })
    if (others.length > 0) await run('npm', [...INSTALL, ...QUIET, ...others], { cwd: directory })
  } catch (error) {
    if (UNREACHABLE.test(String(error))) return undefined
    throw error
  }
  const types = join(directory, 'node_modules/@types')
  await mkdir(types, { recursive: true })
  // Others may have brought along their own.
  await rm(join(types, 'node'), { recursive: true, force: true })
  await symlink(join(REPOSITORY, 'node_modules/@types/node'), join(types, 'node'))
  return {
    directory,
    async runs(file, source, node = process.execPath) {
      await writeFile(join(directory, file), source)
      return (await run(node, [file], { cwd: directory })).stdout
    },
    async compiles(files, flags) {
      for (const [file, source] of Object.entries(files)) {
        await writeFile(join(directory, file), source)
      }
      const strict = ['--strict', '--noEmit', '--skipLibCheck', 'false', '--types', 'node']
      const compiler = join(REPOSITORY, 'node_modules/.bin/tsc')
      const args = [...strict, '--target', 'es2023', ...flags, ...Object.keys(files)]
      await run(compiler, args, { cwd: directory }).catch((error) => {
        throw new Error(error.stdout, { cause: error })
      })
    },
    executable: (name) => join(directory, 'node_modules/.bin', name),
    npx: (...command) => run('npx', ['--no', '--', ...command], { cwd: directory }),
  }
}

/**
 * Another Node.js, from the registry, into an empty directory: the path of its executable. Undefined if there is none for this
 * machine, or no registry is reached.
 */
export async function installNode(directory: string, version: string): Promise<string | undefined> {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined
  const name = `node-linux-${process.arch}`
  await mkdir(directory)
  await writeFile(join(directory, 'package.json'), '{ "name": "node", "private": true }')
  try {
    await run('npm', [...INSTALL, ...QUIET, `${name}@${version}`], { cwd: directory })
  } catch (error) {
    if (UNREACHABLE.test(String(error))) return undefined
    throw error
  }
  return join(directory, 'node_modules', name, 'bin/node')
}
