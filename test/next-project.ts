// A directory with Next.js in it, installed by npm, and our client as it would be: for applications that are built and served.
// Next.js and what it compiles with are 340 MB, which is why they are not among the dependencies here.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './nodes.ts'
import { type Started, start } from './processes.ts'
import { REPOSITORY } from './repository.ts'
import { manifestOf } from './supply-chain/manifests.ts'

const run = promisify(execFile)

const PACKAGES = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1']
const CLIENT = 'packages/client'
const INSTALL = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']

export interface NextServer extends AsyncDisposable {
  readonly url: string
  /** Where the server's own words are. */
  readonly process: Started
}

export class NextProject implements AsyncDisposable {
  readonly #directory: string
  readonly #env: Readonly<Record<string, string>>

  private constructor(directory: string, env: Readonly<Record<string, string>>) {
    this.#directory = directory
    this.#env = { NEXT_TELEMETRY_DISABLED: '1', ...env }
  }

  /** `env` is what applications are built and served with. */
  static async install(env: Readonly<Record<string, string>>): Promise<NextProject> {
    const directory = await mkdtemp(join(tmpdir(), 'memshard-next-'))
    await writeFile(join(directory, 'package.json'), '{ "name": "project", "private": true }')
    const own = Object.entries(manifestOf(CLIENT).dependencies ?? {})
    const packages = [...PACKAGES, ...own.map(([name, version]) => `${name}@${version}`)]
    await run('npm', [...INSTALL, ...packages], { cwd: directory })
    const client = join(directory, 'node_modules/@memshard/client')
    await mkdir(client, { recursive: true })
    for (const part of ['package.json', 'dist']) {
      await cp(join(REPOSITORY, CLIENT, part), join(client, part), { recursive: true })
    }
    return new NextProject(directory, env)
  }

  /** Writes an application's files and builds it. */
  async build(application: string, files: Readonly<Record<string, string>>): Promise<string> {
    const directory = join(this.#directory, application)
    for (const [file, source] of Object.entries(files)) {
      await mkdir(dirname(join(directory, file)), { recursive: true })
      await writeFile(join(directory, file), source)
    }
    await using built = this.#next(['build', directory])
    const code = await built.exited
    if (code === 0) return built.stdout()
    throw new Error(`next build ended with ${code}: ${built.stdout()}${built.stderr()}`)
  }

  /** Serves what was built, and resolves when it answers. */
  async serve(application: string): Promise<NextServer> {
    const port = await freePort()
    const directory = join(this.#directory, application)
    const served = this.#next(['start', directory, '-p', String(port), '-H', '127.0.0.1'])
    const url = `http://127.0.0.1:${port}`
    const deadline = Date.now() + 60_000
    while (!served.stdout().includes('Ready in')) {
      if (served.process.exitCode !== null || Date.now() > deadline) {
        await served[Symbol.asyncDispose]()
        throw new Error(`next start did not get ready: ${served.stdout()}${served.stderr()}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return { url, process: served, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }

  #next(argv: readonly string[]): Started {
    const next = join(this.#directory, 'node_modules/next/dist/bin/next')
    const options = { executable: process.execPath, asRoot: false, env: this.#env }
    return start([next, ...argv], options)
  }
}
