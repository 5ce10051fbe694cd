// memcached's own test suite, set up so that its files run unchanged against an executable: the directory they
// expect, one file at a time, each within a deadline and with nothing left running. Knows what a file printed
// and how it ended; what that is worth is for verdict.ts.
import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, cp, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { REPOSITORY } from '../repository.ts'
import { memcachedSource } from '../source-package.ts'
import { ABOUT_TLS } from './left-out.ts'
import { readTap, type TapResult } from './tap.ts'

export interface FileRun {
  /** As in the suite's directory `t`: `getset.t`. */
  readonly file: string
  readonly tap: TapResult
  /** All that the file and its servers wrote. */
  readonly output: string
  readonly exit: number | NodeJS.Signals
  readonly timedOut: boolean
  /** The command lines of processes that it left running; they have been killed. */
  readonly leftRunning: readonly string[]
}

export interface Suite extends AsyncDisposable {
  /** The version of memcached that it tests: `1.6.18`. */
  readonly version: string
  /** The test files, those first that take long. */
  readonly files: readonly string[]
  run(file: string, deadlineMs?: number): Promise<FileRun>
}

export const FILE_DEADLINE_MS = 300_000
/** A server is told to end when its test does, and gets this long. */
const END_DEADLINE_MS = 10_000

/** Files that give a server two seconds to start, whatever else the machine has to do: to be run by themselves. */
export const ALONE: readonly string[] = ['issue_67.t']
/** And before what else the machine does, as `nice` counts. */
const PREFERRED = -15

/** The environment variable that tells the processes of one run from others. */
const MARK = 'CONFORMANCE_RUN'

/** Files that wait most of their time; run first, they wait beside each other. */
const LONG = ['lru-maintainer.t', 'lru-crawler.t', 'slabs-reassign2.t', 'watcher.t', 'restart.t']

/** Sets the suite up for an executable. Rejects where memcached's source can't be had. */
export async function prepareSuite(executable: string): Promise<Suite> {
  const source = await memcachedSource()
  const directory = await mkdtemp(join(tmpdir(), 'memcached-suite-'))
  for (const part of ['t', 'doc']) {
    await cp(join(source.directory, part), join(directory, part), { recursive: true })
  }
  for (const program of ['memcached-debug', 'timedrun']) {
    await cp(join(REPOSITORY, 'test', 'conformance', program), join(directory, program))
    await chmod(join(directory, program), 0o755)
  }
  const all = (await readdir(join(directory, 't'))).filter((name) => name.endsWith('.t')).sort()
  const environment = { ...process.env, ...(await serverUnderTest(executable)) }

  return {
    version: source.version,
    files: [...LONG.filter((file) => all.includes(file)), ...all.filter((f) => !LONG.includes(f))],
    run: (file, deadlineMs = FILE_DEADLINE_MS) => run(directory, environment, file, deadlineMs),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

/** What the wrapper `memcached-debug` is told. */
async function serverUnderTest(executable: string): Promise<Record<string, string>> {
  const help = await promisify(execFile)(executable, ['-h'])
  const relaxed = await promisify(execFile)(executable, ['-o', 'relaxed_privileges', '-h']).then(
    () => 'relaxed_privileges',
    () => 'modern',
  )
  return {
    SERVER_UNDER_TEST: executable,
    SERVER_ARGUMENTS: help.stdout.includes('debug_commands') ? '-o debug_commands' : '',
    SERVER_RELAXED: relaxed,
  }
}

async function run(
  directory: string,
  environment: NodeJS.ProcessEnv,
  file: string,
  deadlineMs: number,
): Promise<FileRun> {
  // Every process of this run inherits the mark, daemons too, and is known by it.
  const mark = randomUUID()
  const log = join(directory, `${file}.${randomUUID()}.log`)
  const output = await open(log, 'a+')
  // One file for both, so that diagnostics stand below the assertion that they belong to. Not a pipe: servers
  // inherit it, and Node makes pipes non-blocking, for Perl too.
  const child = spawn('perl', ['-I', 't/lib', `t/${file}`], {
    cwd: directory,
    // They run only when asked, and then all that a file does is over TLS.
    env: { ...environment, ...(ABOUT_TLS.test(file) && { SSL_TEST: '1' }), [MARK]: mark },
    stdio: ['ignore', output.fd, output.fd],
  })
  if (ALONE.includes(file)) prefer(child.pid)
  let timedOut = false
  const deadline = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, deadlineMs)
  const exit = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0))
  })
  clearTimeout(deadline)
  const leftRunning = await endAll(mark, timedOut ? 0 : END_DEADLINE_MS)
  const written = await readFile(log, 'latin1')
  await output.close()
  return { file, tap: readTap(written), output: written, exit, timedOut, leftRunning }
}

/** Whatever the process starts goes first where others want the processors too. Only root may say so. */
function prefer(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, PREFERRED)
  } catch {
    // Then it waits like all others.
  }
}

/** Waits for the processes with the mark to end; kills those that don't, and resolves to what they were. */
async function endAll(mark: string, patienceMs: number): Promise<string[]> {
  const deadline = Date.now() + patienceMs
  let running = await marked(mark)
  while (running.length > 0 && Date.now() < deadline) {
    await sleep(50)
    running = await marked(mark)
  }
  const commandLines = running.map(({ commandLine }) => commandLine)
  while (running.length > 0) {
    for (const { pid } of running) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await sleep(20)
    running = await marked(mark)
  }
  return commandLines
}

async function marked(mark: string): Promise<{ pid: number; commandLine: string }[]> {
  const found: { pid: number; commandLine: string }[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const read = (name: string) => readFile(`/proc/${entry}/${name}`, 'latin1').catch(() => '')
    if (!(await read('environ')).split('\0').includes(`${MARK}=${mark}`)) continue
    const commandLine = (await read('cmdline')).replaceAll('\0', ' ').trim()
    found.push({ pid: Number(entry), commandLine })
  }
  return found
}
