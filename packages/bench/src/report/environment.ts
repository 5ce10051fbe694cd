// On what and when a measurement was made: without it a number means nothing.
// Knows nothing of the measurement.
import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, type as systemName, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

export interface Environment {
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly kernel: string
  /** Of the last 1, 5 and 15 minutes, when the bench began. */
  readonly loadAverage: readonly number[]
  /** Of this repository; undefined where the bench was installed as a package. */
  readonly commit: string | undefined
}

export function describeEnvironment(): Environment {
  const processors = cpus()
  return {
    date: new Date().toISOString(),
    node: process.version,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    kernel: `${systemName()} ${release()}`,
    loadAverage: loadavg(),
    commit: currentCommit(),
  }
}

function currentCommit(): string | undefined {
  try {
    const here = fileURLToPath(new URL('.', import.meta.url))
    // Only this package's own repository: not one that it happens to be installed below.
    const tracked = ['ls-files', '--error-unmatch', '../../package.json']
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: here, stdio: ['ignore', 'pipe', 'ignore'] }).toString()
    git(...tracked)
    return git('describe', '--always', '--dirty').trim()
  } catch {
    return undefined
  }
}

export function environmentLines(environment: Environment): string[] {
  const { cpu, cores, kernel, node, date, commit, loadAverage, memoryBytes } = environment
  const gibibytes = (memoryBytes / 2 ** 30).toFixed(1)
  return [
    `${cpu}, ${cores} cores, ${gibibytes} GiB, ${kernel}, node ${node}`,
    `${date}${commit ? `, commit ${commit}` : ''}, load average ${loadAverage.map((load) => load.toFixed(2)).join(' ')}`,
  ]
}
