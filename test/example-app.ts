// The example application, started by its one command (what it does once the repository is set up) on a free port. Knows
// the process and what it says; no page.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './nodes.ts'
import { REPOSITORY } from './repository.ts'

export interface RunningExample extends AsyncDisposable {
  readonly child: ChildProcess
  readonly url: string
  readonly nodes: readonly { readonly port: number; readonly pid: number }[]
  /** Resolves to the exit code, or to the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>
}

const SETUP = 'npm run --silent setup && '

export async function startExample(): Promise<RunningExample> {
  const child = spawn('sh', ['-c', command()], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PORT: String(await freePort()) },
  })
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  let said = ''
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('Ctrl-C')) resolve()
      })
    }
  })
  await Promise.race([ready, exited])
  const url = /^http:\S+/.exec(said)?.[0]
  if (url === undefined) throw new Error(`the example did not start: ${said}`)
  const nodes = Array.from(said.matchAll(/port (\d+), process (\d+)/g), ([, port, pid]) => ({
    port: Number(port),
    pid: Number(pid),
  }))
  return {
    child,
    url,
    nodes,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

function command(): string {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'))
  const script: string = scripts.example
  if (!script.startsWith(SETUP)) throw new Error(`npm run example does not begin with ${SETUP}`)
  return script.slice(SETUP.length)
}
