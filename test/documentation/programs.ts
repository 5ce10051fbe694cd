// Examples in TypeScript and JavaScript as programs in a directory of their own, checked and compiled by TypeScript, which see the packages
// that our tests see. Knows the compiler; runs none of them.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../repository.ts'

/** Whose dependencies an example may import. */
const MEMBERS = ['test', 'packages/client', 'examples/web-app', '.']

const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: ['node'],
    strict: true,
    allowJs: true,
    skipLibCheck: true,
    experimentalDecorators: false,
    outDir: 'compiled',
    rootDir: '.',
  },
  include: ['*.ts', '*.mts', '*.js', '*.cjs'],
}

/** A name for the program of the example at that line. CommonJS is what calls `require`. */
export function programName(page: string, line: number, program: string): string {
  const extension = /\brequire\(/.test(program) && !/^import /m.test(program) ? 'cjs' : 'ts'
  return `${page.replaceAll(/[/.]/g, '_')}_${line}.${extension}`
}

/** Of each program that TypeScript finds fault with, what it says. */
export async function compile(
  directory: string,
  programs: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  linkPackages(join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  for (const [name, text] of programs) {
    // What declares nothing is a module all the same.
    const isModule = name.endsWith('.ts')
    writeFileSync(join(directory, name), isModule ? `${text}\nexport {}\n` : text)
  }
  const compiler = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [compiler, '--pretty', 'false', '--project', directory],
      { cwd: directory, maxBuffer: 16 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    )
  })
  const faults = new Map<string, string>()
  for (const line of output.split('\n')) {
    const [, name] = /^([^(\s]+)\(\d+,\d+\): error/.exec(line) ?? []
    if (name !== undefined) faults.set(name, `${faults.get(name) ?? ''}${line}\n`)
  }
  return faults
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
