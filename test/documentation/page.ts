// Runs the examples of one page in their order, as somebody who reads it would, and writes what became of each: one line of JSON for
// each. Started in namespaces of its own; whatever it leaves behind ends with them.
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { REPOSITORY } from '../repository.ts'
import { type Example, examplesOf, isRun, programOf } from './examples.ts'
import { programName } from './programs.ts'
import { furnish, listeners, startNodes, stopNodes } from './surroundings.ts'

export interface Outcome {
  readonly line: number
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

const DEADLINE_MS = 120_000
const SERVED_MS = 30_000
const OUTPUT_MOST = 200_000
const NOTHING: Outcome = { line: 0, code: 0, stdout: '', stderr: '' }
/** A machine that is too busy for the usual deadline says nothing of the example. */
const TRIES = 3

const [page = '', directory = ''] = process.argv.slice(2)

const work = join(directory, `work_${page.replaceAll(/[/.]/g, '_')}`)
const path = ['server', 'client', 'bench'].map((name) => join(REPOSITORY, `packages/${name}/bin`))
const env = { ...process.env, PATH: [...path, process.env.PATH].join(delimiter) }

function run(file: string, args: readonly string[]): ChildProcess & { outcome: Promise<Outcome> } {
  // A group of its own, so that all of a shell's commands can be told to end.
  const child = spawn(file, args, {
    cwd: work,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout.length < OUTPUT_MOST) stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < OUTPUT_MOST) stderr += text
  })
  const deadline = setTimeout(() => end(child, 'SIGKILL'), DEADLINE_MS)
  const outcome = new Promise<Outcome>((resolve) => {
    child.once('error', (error) => resolve({ line: 0, code: error.message, stdout, stderr }))
    child.once('close', (code, signal) => {
      clearTimeout(deadline)
      resolve({ line: 0, code: code ?? signal ?? 'ended', stdout, stderr })
    })
  })
  return Object.assign(child, { outcome })
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal)
  } catch {
    // It has ended.
  }
}

/** Until that many more are listened to; commands that end before have failed. */
async function served(child: ReturnType<typeof run>, before: number, more = 1): Promise<boolean> {
  const deadline = Date.now() + SERVED_MS
  while (listeners() < before + more) {
    if (child.exitCode !== null || Date.now() > deadline) return false
    await sleep(50)
  }
  return true
}

/** Commands as a shell reads them: a line, with those that it goes on in. */
function commandsOf(code: string): readonly string[] {
  return code
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

async function shell(example: Example): Promise<Outcome> {
  const { code, before, after, serves, stay } = example
  const commands = commandsOf(code)
  if (serves || stay > 0) await stopNodes()
  if (stay > 0) {
    const listened = listeners()
    const child = run('bash', ['-ec', `${before}\n${commands.join('\n')}\nwait`])
    if (await served(child, listened, stay)) return NOTHING
    return { ...(await ended(child)), code: 'serves nobody' }
  }
  if (!serves) return run('bash', ['-ec', [before, ...commands, after].join('\n')]).outcome
  if (before !== '') await run('bash', ['-ec', before]).outcome
  for (const command of commands) {
    const listened = listeners()
    const child = run('bash', ['-c', `exec ${command}`])
    // Those that only tell something have ended by themselves.
    if (!(await served(child, listened)) && child.exitCode !== 0) {
      return { ...(await ended(child)), code: `serves nobody: ${command}` }
    }
    const outcome = await ended(child)
    if (outcome.code !== 0) return outcome
  }
  return NOTHING
}

async function ended(child: ReturnType<typeof run>): Promise<Outcome> {
  end(child, 'SIGTERM')
  return child.outcome
}

/** Commands after `$`, each with what it prints. */
async function dialogue({ code }: Example): Promise<Outcome> {
  await startNodes()
  let all = NOTHING
  for (const part of code.split(/^\$ /m).slice(1)) {
    const [command = '', ...printed] = part.split('\n')
    const outcome = await run('bash', ['-ec', command]).outcome
    all = outcome
    const got = outcome.stdout.replaceAll('\r', '').trimEnd()
    const said = printed.join('\n').trimEnd()
    if (outcome.code === 0 && got !== said) {
      return { ...outcome, code: `prints something else than the page says:\n${got}` }
    }
    if (outcome.code !== 0) return outcome
  }
  return all
}

async function program(example: Example, earlier: readonly Example[]): Promise<Outcome> {
  await startNodes()
  const name = programName(page, example, programOf(example, earlier))
  const compiled = join(directory, 'compiled', name.replace(/\.ts$/, '.js'))
  let outcome = NOTHING
  for (let i = 0; i < TRIES; i++) {
    outcome = await run(process.execPath, [compiled]).outcome
    if (outcome.code === 0 || !outcome.stderr.includes('ERR_MEMSHARD_TIMEOUT')) break
  }
  const { goesOn, prints } = example
  if (prints === undefined || outcome.code !== 0) return outcome
  // What it goes on from has printed before.
  const isAsSaid = goesOn
    ? outcome.stdout.trimEnd().endsWith(prints.trimEnd())
    : outcome.stdout.trimEnd() === prints.trimEnd()
  if (!isAsSaid) {
    return { ...outcome, code: 'prints something else than the page says' }
  }
  return outcome
}

mkdirSync(work)
furnish(work)
for (const name of ['packages', 'test']) symlinkSync(join(REPOSITORY, name), join(work, name))
// Some write into pages.
cpSync(join(REPOSITORY, 'docs'), join(work, 'docs'), { recursive: true })

const examples = examplesOf(readFileSync(join(REPOSITORY, page), 'utf8'))
for (const { file, code } of examples) {
  if (file !== undefined) writeFileSync(join(work, file), code)
}
for (const [i, example] of examples.entries()) {
  if (!isRun(example)) continue
  const kinds: Readonly<Record<string, () => Promise<Outcome>>> = {
    sh: () => shell(example),
    console: () => dialogue(example),
    ts: () => program(example, examples.slice(0, i)),
    js: () => program(example, examples.slice(0, i)),
  }
  const outcome = await kinds[example.language]?.()
  if (outcome === undefined) continue
  process.stdout.write(`${JSON.stringify({ ...outcome, line: example.line })}\n`)
}
process.exit()
