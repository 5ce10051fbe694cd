// The client as it is published, in projects of either module system: packed, installed, compiled and run.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { REPOSITORY } from './repository.ts'

const run = promisify(execFile)
const CLIENT = join(REPOSITORY, 'packages/client')
const BIN = join(REPOSITORY, 'node_modules/.bin')

/** Uses types and values of the package; a wrong type must be one. */
const PROGRAM = `
import { Client, type ClientOptions, MemshardError } from '@memshard/client'
import { instrument } from '@memshard/client/opentelemetry'
const options: ClientOptions = { nodes: [process.argv[2]!], timeout: 10_000 }
const cache: Client = new Client(options)
async function main(): Promise<void> {
  instrument(cache).stop()
  await cache.set('key', 42)
  const value: number | undefined = await cache.get<number>('key')
  // @ts-expect-error a key is a string
  const error: unknown = await cache.get(5).catch((error: unknown) => error)
  console.log(value, error instanceof MemshardError)
  await cache.close()
}
void main()
`

let project: string
let node: RunningNode

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'memshard-client-'))
  await run(join(BIN, 'tsc'), ['-b', CLIENT])
  await run(join(BIN, 'rolldown'), ['--config', join(CLIENT, 'rolldown.config.js')])
  const packed = await run('npm', ['pack', '--json', '--pack-destination', project], {
    cwd: CLIENT,
    maxBuffer: 16 * 1024 * 1024,
  })
  const [{ filename }] = JSON.parse(packed.stdout)
  await run('tar', ['xzf', filename], { cwd: project })
  await mkdir(join(project, 'node_modules/@memshard'), { recursive: true })
  await rename(join(project, 'package'), join(project, 'node_modules/@memshard/client'))
  const hashring = join(createRequire(`${CLIENT}/`).resolve('hashring'), '..')
  await symlink(hashring, join(project, 'node_modules/hashring'))
  await symlink(
    join(CLIENT, 'node_modules/@opentelemetry'),
    join(project, 'node_modules/@opentelemetry'),
  )
  await symlink(join(REPOSITORY, 'node_modules/@types'), join(project, 'node_modules/@types'))
  await writeFile(join(project, 'commonjs.cts'), PROGRAM)
  await writeFile(join(project, 'module.mts'), PROGRAM)
  node = await startNode({ args: ['-m', '64'] })
})

afterAll(async () => {
  await node?.stop('SIGKILL')
  if (project !== undefined) await rm(project, { recursive: true })
})

describe.each(['node16', 'nodenext'])('with TypeScript’s module %s', (module) => {
  test('both module systems have types and values', async () => {
    const strict = ['--strict', '--skipLibCheck', 'false', '--types', 'node', '--target', 'es2022']
    const files = ['commonjs.cts', 'module.mts']
    await run(join(BIN, 'tsc'), [...strict, '--module', module, '--outDir', module, ...files], {
      cwd: project,
    }).catch(({ stdout }) => expect.fail(stdout))
    for (const program of ['commonjs.cjs', 'module.mjs']) {
      const args = [join(module, program), node.address]
      const { stdout } = await run(process.execPath, args, { cwd: project })
      expect(stdout).toBe('42 true\n')
    }
  })
})

test('require and import give the same Client', async () => {
  const script = `
    const { Client } = require('@memshard/client')
    import('@memshard/client').then((client) => console.log(client.Client === Client))`
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: project })
  expect(stdout).toBe('true\n')
})

test('loaders that cannot require ES modules find the same names in CommonJS', async () => {
  const { stdout } = await run(
    process.execPath,
    [
      '--no-experimental-require-module',
      '-p',
      `const { Client } = require('@memshard/client')
       const { instrument } = require('@memshard/client/opentelemetry')
       const cache = new Client({ nodes: ['${node.address}'], timeout: 10_000 })
       instrument(cache).stop()
       cache.set('from', 'CommonJS').then(() => cache.get('from')).then(console.log).then(() => cache.close())
       JSON.stringify(Object.keys(require('@memshard/client')).sort())`,
    ],
    { cwd: project },
  )
  const [names, value] = stdout.trim().split('\n')
  expect(value).toBe('CommonJS')
  expect(JSON.parse(names!)).toEqual(Object.keys(await import('@memshard/client')).sort())
})
