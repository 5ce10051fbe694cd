// A release comes from a tag, by a workflow that keeps no secret; and what is known to be wrong with what we ship is told.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { REPOSITORY } from './repository.ts'
import { MEMBERS, manifestOf, PUBLISHED } from './supply-chain/manifests.ts'

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly permissions: Readonly<Record<string, string>>
        readonly steps: readonly { readonly uses?: string; readonly run?: string }[]
      }
    >
  >
}

const WORKFLOWS = join(REPOSITORY, '.github/workflows')
const run = promisify(execFile)

describe('the release', () => {
  const text = readFileSync(join(WORKFLOWS, 'release.yml'), 'utf8')
  const workflow: Workflow = parse(text)
  const { permissions, steps } = workflow.jobs.publish!
  const commands = steps.flatMap((step) => step.run ?? []).join('\n')

  test('is of a tag that names the version, and of nothing else', () => {
    expect(workflow.on).toEqual({ push: { tags: ['v*'] } })
    expect(commands.indexOf('GITHUB_REF_NAME')).toBeLessThan(commands.indexOf('publish'))
  })

  test('may read the sources and say who it is; it has no secret', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' })
    expect(permissions).toEqual({ contents: 'read', 'id-token': 'write' })
    expect(text).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|_authToken/)
  })

  test('tests and builds twice before it publishes every package, in an order that can be installed', () => {
    const steps = ['.ci/run', 'repository.url', 'reproducible', 'sbom', ' publish ']
    const places = steps.map((step) => commands.indexOf(step))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    const published = PUBLISHED.map((member) => member.replace('packages/', '')).join(' ')
    expect(commands.split(`for package in ${published}; do`)).toHaveLength(3)
    for (const [i, member] of PUBLISHED.entries()) {
      const { dependencies } = manifestOf(member)
      const later = PUBLISHED.slice(i).map((other) => manifestOf(other).name)
      expect(later.filter((name) => name in dependencies!)).toEqual([])
    }
  })

  test('runs the commands that there are', () => {
    const named = [...commands.matchAll(/npm run (\w+)/g)].map(([, name]) => name!)
    expect(named.length).toBeGreaterThan(0)
    for (const name of named) expect(manifestOf('.').scripts).toHaveProperty(name)
  })
})

test('actions of others are named by commit, which nobody can move', () => {
  for (const file of readdirSync(WORKFLOWS)) {
    const { jobs }: Workflow = parse(readFileSync(join(WORKFLOWS, file), 'utf8'))
    for (const { steps } of Object.values(jobs)) {
      for (const { uses } of steps) if (uses) expect(uses).toMatch(/^[\w/-]+@[0-9a-f]{40}$/)
    }
  }
})

test('all packages have one version', () => {
  expect(new Set(MEMBERS.map((member) => manifestOf(member).version)).size).toBe(1)
})

interface Advisories {
  readonly advisories?: Readonly<
    Record<string, { readonly title: string; readonly severity: string }>
  >
  readonly error?: { readonly code: string }
}

const GRAVE = ['high', 'critical']

test.for([
  { of: 'ship', scope: '--prod', counts: ['info', 'low', 'moderate', ...GRAVE] },
  { of: 'are built and tested with', scope: '--dev', counts: GRAVE },
])('no advisory is known about what we $of', async ({ scope, counts }, { skip }) => {
  const report = await audit(scope)
  if (report.error !== undefined) {
    const reason = `pnpm audit has no answer from the registry: ${report.error.code}`
    // Loud: what was not asked is not known.
    console.warn(`Skipped: ${reason}`)
    skip(reason)
  }
  const known = Object.values(report.advisories ?? {})
  const counting = known.filter(({ severity }) => counts.includes(severity))
  expect(counting.map(({ title }) => title)).toEqual([])
})

/** It fails for advisories as it does without an answer; what it prints tells which. */
async function audit(scope: string): Promise<Advisories> {
  const args = ['--yes', manifestOf('.').packageManager!, 'audit', '--json', scope]
  const options = { cwd: REPOSITORY, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await run('npx', args, options).catch((error: { stdout: string }) => error)
  return JSON.parse(stdout)
}
