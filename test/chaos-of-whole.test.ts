// Nodes in networks of their own, clients that check every answer, and faults: five minutes in CI, less elsewhere. The
// command that it runs does the same for as long as wanted: `pnpm chaos --seconds 3600`.
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REPOSITORY } from './repository.ts'

const SECONDS = process.env.CI === undefined ? 45 : 270

/** Why it can't run here, or undefined. */
function missing(): string | undefined {
  if (process.platform !== 'linux') return 'namespaces are Linux’s'
  try {
    execFileSync('unshare', ['--net', '--mount', '--pid', '--fork', 'ip', 'link'], {
      stdio: 'ignore',
    })
    return undefined
  } catch {
    return 'namespaces can’t be made here: that needs root, unshare and ip'
  }
}

test('no answer is wrong or late whatever befalls the nodes, and all is well again soon', {
  timeout: SECONDS * 1000 + 180_000,
}, async ({ skip }) => {
  const reason = missing()
  skip(reason !== undefined, reason)
  const program = join(REPOSITORY, 'test/dist/chaos/main.js')
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(process.execPath, [program, '--seconds', String(SECONDS)], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    )
  })
  expect(code, output).toBe(0)
  expect(output).toMatch(/^client, onNodeDown: miss$/m)
})
