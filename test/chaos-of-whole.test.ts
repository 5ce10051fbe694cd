// Nodes in networks of their own, clients that check every answer, and faults: five minutes in CI, less elsewhere. The
// command that it runs does the same for as long as wanted: `pnpm chaos --seconds 3600`.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missingNamespaces } from './chaos/namespaces.ts'
import { REPOSITORY } from './repository.ts'

const SECONDS = process.env.CI === undefined ? 45 : 270

test('no answer is wrong or late whatever befalls the nodes, and all is well again soon', {
  timeout: SECONDS * 1000 + 180_000,
  // A wrong answer once is a wrong answer.
  retry: 0,
}, async ({ skip }) => {
  const reason = missingNamespaces()
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
