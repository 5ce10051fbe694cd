// Runs the scripts of interop/ in which clients of other languages come over TLS or log in. Knows what they say when all is
// well.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const DEADLINE_MS = 60_000

export interface Outcome {
  readonly same: boolean
  readonly output: string
}

/** Runs a script of interop/. */
export function run(
  command: string,
  script: string,
  args: readonly string[],
  env = {},
): Promise<Outcome> {
  const path = fileURLToPath(new URL(`interop/${script}`, import.meta.url))
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: DEADLINE_MS }
    execFile(command, [path, ...args], options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`
      resolve({ same: error === null && stdout.includes('the same'), output })
    })
  })
}
