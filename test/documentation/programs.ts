// Examples in TypeScript and JavaScript as programs in a directory of their own, checked and compiled by TypeScript, which see the packages
// that our tests see. Knows the compiler; runs none of them.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../repository.ts'

/** Whose dependencies an example may import. */
const MEMBERS = ['test', 'packages/client', 'examples/web-app', '.']

const COMPILER_OPTIONS = {
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
  module: 'nodenext',
  moduleResolution: 'nodenext',
  types: ['node'],
  strict: true,
  // JavaScript is run as it is: what it doesn't say of types is no fault.
  allowJs: true,
  skipLibCheck: true,
  outDir: 'compiled',
  rootDir: '.',
}
/** Decorators as they were before the standard, which NestJS wants. */
const FOR_NEST = { experimentalDecorators: true, emitDecoratorMetadata: true }

/** A name for the program of the example at that line. CommonJS is what calls `require` and imports nothing. */
export function programName(
  page: string,
  { line, language }: { readonly line: number; readonly language: string },
  program: string,
): string {
  const isCommonJs = /\brequire\(/.test(program) && !/^import /m.test(program)
  return `${page.replaceAll(/[/.]/g, '_')}_${line}.${isCommonJs ? 'cjs' : language}`
}

/** Of each program that TypeScript finds fault with, what it says. */
export async function compile(
  directory: string,
  programs: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  linkPackages(join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of programs) {
    // What imports nothing is a module all the same.
    writeFileSync(join(directory, name), name.endsWith('.cjs') ? text : `${text}\nexport {}\n`)
  }
  const names = [...programs.keys()]
  const isNest = (name: string) => programs.get(name)!.includes('@nestjs/')
  const output =
    (await compiled(directory, names.filter(isNest), FOR_NEST)) +
    (await compiled(
      directory,
      names.filter((name) => !isNest(name)),
      {},
    ))
  const faults = new Map<string, string>()
  for (const line of output.split('\n')) {
    const [, name] = /^([^(\s]+)\(\d+,\d+\): error/.exec(line) ?? []
    if (name !== undefined) faults.set(name, `${faults.get(name) ?? ''}${line}\n`)
  }
  return faults
}

function compiled(directory: string, files: readonly string[], options: object): Promise<string> {
  const project = join(directory, `tsconfig-${Object.keys(options).length}.json`)
  const compilerOptions = { ...COMPILER_OPTIONS, ...options }
  writeFileSync(project, JSON.stringify({ compilerOptions, files }))
  const compiler = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [compiler, '--pretty', 'false', '--project', project],
      { cwd: directory, maxBuffer: 16 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    )
  })
}

function linkPackages(target: string): void {
  for (const member of MEMBERS) {
    const source = join(REPOSITORY, member, 'node_modules')
    if (!existsSync(source)) continue
    for (const name of readdirSync(source)) {
      if (name.startsWith('.')) continue
      const names = name.startsWith('@')
        ? readdirSync(join(source, name)).map((rest) => `${name}/${rest}`)
        : [name]
      if (name.startsWith('@')) mkdirSync(join(target, name), { recursive: true })
      else mkdirSync(target, { recursive: true })
      for (const each of names) {
        const link = join(target, each)
        if (!existsSync(link)) symlinkSync(join(source, each), link)
      }
    }
  }
}
