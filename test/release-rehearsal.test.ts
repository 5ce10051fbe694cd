// A release from its tarballs to its first user: the publishing step of the workflow, as it is written there, against a registry of our
// own (verdaccio), and then what somebody does who has read the README. On request, because the registry has to be installed
// and everything is built for it: `pnpm rehearsal`.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { freePort } from './nodes.ts'
import { REPOSITORY } from './repository.ts'
import { buildFresh } from './supply-chain/fresh-build.ts'
import { manifestOf, PUBLISHED } from './supply-chain/manifests.ts'

const run = promisify(execFile)
const MAKE_DEADLINE_MS = 1_200_000
const POLL = { timeout: 60_000 }
/** Later ones want Node.js 22; and it asks for a node-fetch that can't be had. */
const REGISTRY = {
  private: true,
  dependencies: { verdaccio: '6.8.0' },
  overrides: { 'node-fetch': '2.7.0' },
}

interface Step {
  readonly name?: string
  readonly run?: string
}

/** The step of the workflow with that beginning of its name. */
async function step(name: string): Promise<string> {
  const text = await readFile(join(REPOSITORY, '.github/workflows/release.yml'), 'utf8')
  const steps: readonly Step[] = parse(text).jobs.publish.steps
  const those = steps.filter((step) => step.name?.startsWith(name))
  expect(those).toHaveLength(1)
  return those[0]!.run!
}

describe.runIf(process.env.REHEARSAL === 'true')('a release', () => {
  const { version } = manifestOf('.')
  let directory = ''
  let url = ''
  let end = async (): Promise<void> => {}

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memshard-release-'))
    const release = join(directory, 'dist/release')
    await mkdir(release, { recursive: true })
    const tarballs = await buildFresh({
      directory: join(directory, 'build'),
      umask: 0o022,
      locale: 'C',
      timeZone: 'UTC',
      clockDays: 0,
    })
    await run('cp', [...tarballs, release])
    const registry = join(directory, 'registry')
    await mkdir(registry)
    await writeFile(join(registry, 'package.json'), JSON.stringify(REGISTRY))
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: registry })
    const config = {
      storage: join(registry, 'storage'),
      auth: { htpasswd: { file: join(registry, 'users') } },
      packages: { '@memshard/*': { access: '$all', publish: '$all' } },
      log: { type: 'stdout', level: 'warn' },
    }
    await writeFile(join(registry, 'config.json'), JSON.stringify(config))
    const address = `127.0.0.1:${await freePort()}`
    url = `http://${address}/`
    const argv = ['--config', 'config.json', '--listen', address]
    const server = spawn(process.execPath, ['node_modules/verdaccio/bin/verdaccio', ...argv], {
      cwd: registry,
      stdio: 'ignore',
    })
    const ended = once(server, 'exit')
    end = async () => {
      server.kill()
      await ended
    }
    // Our packages alone are this registry's; it asks for a token and takes any.
    const npmrc = `@memshard:registry=${url}\n//${address}/:_authToken=any\n`
    await writeFile(join(directory, '.npmrc'), npmrc)
    await mkdir(join(directory, 'user'))
    await writeFile(join(directory, 'user/.npmrc'), npmrc)
  }, MAKE_DEADLINE_MS)
  afterAll(async () => {
    await end()
    await rm(directory, { recursive: true, force: true })
  })

  test('is refused where nothing proves where it comes from', async () => {
    const answers = (): Promise<boolean> =>
      fetch(url)
        .then(({ ok }) => ok)
        .catch(() => false)
    await expect.poll(answers, POLL).toBe(true)
    await expect(publish(await step('Published'))).rejects.toThrow(
      'Automatic provenance generation not supported',
    )
  })

  test('is published by the workflow’s own words, and installed by the first user', async () => {
    const words = await step('Published')
    await publish(words.replace(' publish ', ' publish --provenance=false '))
    for (const member of PUBLISHED) {
      const { name } = manifestOf(member)
      const { versions } = (await (await fetch(`${url}${name}`)).json()) as Published
      expect(Object.keys(versions)).toEqual([version])
      // What the workspace said of packages beside it, is now said of the registry's.
      expect(JSON.stringify(versions)).not.toContain('workspace:')
    }
    const cwd = join(directory, 'user')
    const { stdout } = await run('npx', ['--yes', '@memshard/server', '-V'], { cwd })
    expect(stdout).toMatch(new RegExp(`^memcached 1\\.6\\.\\d+\nmemshard-server ${version}\n$`))
    const client = await run('npx', ['--yes', '@memshard/client', '--version'], { cwd })
    expect(client.stdout).toBe(`${version}\n`)
    const bench = await run('npx', ['--yes', '@memshard/bench', '--help'], { cwd })
    expect(bench.stdout).toContain('memshard-bench')
  })

  function publish(words: string): Promise<unknown> {
    const env = { ...process.env, GITHUB_REF_NAME: `v${version}`, GITHUB_ACTIONS: '', CI: '' }
    return run('bash', ['-e', '-c', words], { cwd: directory, env })
  }
})

interface Published {
  readonly versions: Readonly<Record<string, unknown>>
}
