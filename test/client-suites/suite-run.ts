// Runs a client's suite beside a server in a network of their own, and reads what came of it. Knows the suites' form, and
// neither which clients there are nor what is made of the outcome.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandInNamespaces } from '../chaos/namespaces.ts'
import { REPOSITORY } from '../repository.ts'
import { sourceOf } from '../source-package.ts'
import type { ClientSuite } from './suites.ts'

export interface Outcome {
  readonly tests: number
  /** Names, each once. */
  readonly failed: readonly string[]
}

const WITH_SERVER = join(REPOSITORY, 'test/client-suites/with-server')
const BUILD_DEADLINE_MS = 1_800_000
const RUN_DEADLINE_MS = 1_200_000
const OUTPUT_MAX_BYTES = 256 * 1024 * 1024
const BUILT = '.built'

/** The Debian packages that are missing. */
export function missingPackages({ packages }: ClientSuite): readonly string[] {
  return packages.filter((name) => {
    try {
      const status = execFileSync('dpkg', ['-s', name], { stdio: 'pipe' })
      return !status.toString().includes('install ok installed')
    } catch {
      return true
    }
  })
}

/** Fetches and builds what is tested. Rejects when it can't be had, or built. */
export async function prepare(suite: ClientSuite): Promise<string> {
  const directory = await sourceOf(suite.source, 'released')
  const mark = join(directory, BUILT)
  if (suite.build !== undefined && !existsSync(mark)) {
    const { code, output } = await run('sh', ['-c', suite.build], directory, BUILD_DEADLINE_MS)
    if (code !== 0) throw new Error(`${suite.name} can't be built:\n${output.slice(-2_000)}`)
    writeFileSync(mark, '')
  }
  return directory
}

/** Rejects when the output doesn't say how many tests there were: then it did not come to its end. */
export async function runSuite(
  suite: ClientSuite,
  directory: string,
  server: string,
): Promise<Outcome> {
  const [file, argv] = commandInNamespaces(WITH_SERVER, [server, suite.run])
  const { output } = await run(file, argv, directory, RUN_DEADLINE_MS)
  return outcomeOf(suite, output)
}

/** What the suite's output says. */
export function outcomeOf({ name, count, failed }: ClientSuite, output: string): Outcome {
  const tests = count.exec(output)?.[1]
  if (tests === undefined) throw new Error(`${name} broke off:\n${output.slice(-2_000)}`)
  const names = [...output.matchAll(failed)].map(([, test = '']) => test)
  return { tests: Number(tests), failed: [...new Set(names)].sort() }
}

function run(
  file: string,
  argv: readonly string[],
  cwd: string,
  timeout: number,
): Promise<{ code: unknown; output: string }> {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' }
  return new Promise((resolve) => {
    const options = {
      cwd,
      env,
      timeout,
      maxBuffer: OUTPUT_MAX_BYTES,
      killSignal: 'SIGKILL',
    } as const
    execFile(file, argv, options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? (error ? 'killed' : 0), output: stdout + stderr }),
    )
  })
}
