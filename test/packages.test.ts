// Our packages as they are published: built and packed twice from the sources, looked into, and installed by npm in projects
// of people who use them.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path/posix'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from './nodes.ts'
import { served, start } from './processes.ts'
import { manifestOf, PUBLISHED } from './supply-chain/manifests.ts'
import { installIn, installNode, type NpmProject } from './supply-chain/npm-project.ts'
import { type PackageFiles, specifiersOf, unpack } from './supply-chain/package-files.ts'
import { type Reproduction, reproduce } from './supply-chain/reproduction.ts'

/** Half a minute on a machine of its own. */
const BUILD_DEADLINE_MS = 900_000

let directory: string
let reproduction: Reproduction
const unpacked = new Map<string, PackageFiles>()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'memshard-packages-'))
  reproduction = await reproduce(directory)
  for (const tarball of reproduction.tarballs) {
    const files = await unpack(tarball, directory)
    unpacked.set(files.manifest.name, files)
  }
}, BUILD_DEADLINE_MS)

afterAll(async () => {
  if (directory !== undefined) await rm(directory, { recursive: true })
})

test('two builds in different places, at different times, under different settings, are the same', () => {
  const { version } = manifestOf('.')
  const names = PUBLISHED.map((member) => `memshard-${basename(member)}-${version}.tgz`)
  expect([...reproduction.checksums.keys()]).toEqual(names.sort())
  for (const [name, [one, other]] of reproduction.checksums) {
    expect(one, name).toMatch(/^[0-9a-f]{64}$/)
    expect(other, name).toBe(one)
  }
})

describe.each(PUBLISHED.map((member) => manifestOf(member).name))('%s', (name) => {
  const tarball = () =>
    reproduction.tarballs.find((path) =>
      basename(path).startsWith(name.slice(1).replace('/', '-')),
    )!
  const content = () => unpacked.get(name)!

  test('holds what is needed to use it, and nothing else', () => {
    const { files, manifest } = content()
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    const executables = Object.values(manifest.bin!).map((file) => file.replace('./', ''))
    expect(files).toEqual(expect.arrayContaining(executables))
    const others = files.filter(
      (file) =>
        !['LICENSE', 'README.md', 'package.json', 'bin/package.json', ...executables].includes(
          file,
        ) &&
        !/^dist\/.*\.(js|d\.ts|css|html|svg)$/.test(file) &&
        !/^dist\/\w+\/package\.json$/.test(file),
    )
    expect(others).toEqual([])
  })

  test('holds no tests, nor what is for tests alone', async () => {
    const { files, text } = content()
    const found = files.filter((file) => /\.test\.|fixture|\.map$|tsbuildinfo/.test(file))
    for (const file of files.filter((file) => file.endsWith('.js'))) {
      if ((await text(file)).startsWith('// For tests only')) found.push(file)
    }
    expect(found).toEqual([])
  })

  test('says nothing of the machine it was built on', async () => {
    const { files, text } = content()
    for (const file of files) {
      const content = await text(file)
      expect(content.includes(directory), file).toBe(false)
      // Nor of sources that aren't there.
      expect(content, file).not.toContain('sourceMappingURL')
    }
  })

  test('lets everybody read it, and run its executables', async () => {
    const { files, manifest, mode } = content()
    const executables = Object.values(manifest.bin!).map((file) => file.replace('./', ''))
    for (const file of files) {
      expect((await mode(file)).toString(8), file).toBe(executables.includes(file) ? '755' : '644')
    }
  })

  test('has every module that one of its own imports, and every package among its dependencies', async () => {
    const { files, manifest, text } = content()
    const packages = [
      name,
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
    ]
    const missing: string[] = []
    for (const file of files.filter((file) => /\.js$|\.d\.ts$|^bin\/(?!package)/.test(file))) {
      // What a browser runs has everything in it.
      if (file.endsWith('/page.js')) continue
      for (const specifier of specifiersOf(await text(file))) {
        const isThere = specifier.startsWith('.')
          ? isAmong(files, join(file, '..', specifier))
          : isBuiltin(specifier) || packages.includes(packageOf(specifier))
        if (!isThere) missing.push(`${file}: ${specifier}`)
      }
    }
    expect(missing).toEqual([])
  })

  test('asks for its siblings in their exact version, and may only be published with provenance', () => {
    const { manifest } = content()
    const asked = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })
    for (const [dependency, version] of asked) {
      expect(version).not.toContain('workspace:')
      if (dependency.startsWith('@memshard/')) expect(version).toBe(manifest.version)
    }
    expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true })
  })

  test('publint has nothing to say', async () => {
    const { buffer } = new Uint8Array(await readFile(tarball()))
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg!))).toEqual([])
  })

  test('types are right for whoever imports it', async () => {
    const data = new Uint8Array(await readFile(tarball()))
    const checked = await checkPackage(createPackageFromTarballData(data))
    if (!checked.types) throw new Error('it has no types')
    const entryPoints = Object.keys(manifestOf('packages/client').exports!)
    if (name === '@memshard/client') expect(Object.keys(checked.entrypoints)).toEqual(entryPoints)
    const problems = checked.problems.filter((problem) => {
      // TypeScript's resolution for Node.js 10, which knows no `exports` and which TypeScript 7 has no more.
      if ('resolutionKind' in problem && problem.resolutionKind === 'node10') return false
      // Only the client is CommonJS as well. Node.js 20.19 can `require` the others (below).
      return problem.kind !== 'CJSResolvesToESM' || name === '@memshard/client'
    })
    expect(problems).toEqual([])
  })
})

/** What entry points are for, which applications bring along. */
const PEERS = [
  '@opentelemetry/api',
  ...['express-session', '@types/express-session'],
  ...['fastify', '@fastify/cookie', '@fastify/session'],
  ...['@nestjs/common', 'reflect-metadata', 'rxjs'],
  ...['hono', 'lru-cache'],
]

/** One name of each entry point. */
const ENTRY_POINTS = {
  '@memshard/client': 'Client',
  '@memshard/client/express-session': 'MemshardStore',
  '@memshard/client/fastify': 'cache',
  '@memshard/client/fastify-session': 'MemshardStore',
  '@memshard/client/ioredis': 'Redis',
  '@memshard/client/memcache-client': 'MemcacheClient',
  '@memshard/client/memcached': 'Memcached',
  '@memshard/client/keyv': 'MemshardStore',
  '@memshard/client/nestjs': 'MemshardModule',
  '@memshard/client/http-cache': 'HttpCache',
  '@memshard/client/http-cache/express': 'expressCache',
  '@memshard/client/http-cache/fastify': 'fastifyCache',
  '@memshard/client/http-cache/hono': 'honoCache',
  '@memshard/client/memjs': 'Client',
  '@memshard/client/next-cache-handler': 'cacheHandler',
  '@memshard/client/opentelemetry': 'instrument',
  '@memshard/client/rate-limit': 'RateLimiter',
  '@memshard/client/two-level': 'TwoLevelCache',
  '@memshard/server': 'startServer',
  '@memshard/server/testing': 'startTestNode',
  '@memshard/bench': 'compare',
} as const

const asked = JSON.stringify(ENTRY_POINTS)
const ALL_REQUIRED = `
  const types = Object.entries(${asked}).map(([path, name]) => typeof require(path)[name])
  console.log(types.join())`
const ALL_IMPORTED = `
  const types = Object.entries(${asked}).map(async ([path, name]) => typeof (await import(path))[name])
  console.log((await Promise.all(types)).join())`
const ALL_FUNCTIONS = `${Object.keys(ENTRY_POINTS).map(() => 'function')}\n`

/** The lines of Node.js after the oldest that we run on: of the newest LTS, and the newest. */
const NEWER_NODES = ['24.9.0', '26.12.1']

describe('installed by npm, without scripts and with strict engines', () => {
  let project: NpmProject | undefined

  beforeAll(async () => {
    const peers = PEERS.map((name) => `${name}@${manifestOf('test').devDependencies![name]}`)
    project = await installIn(join(directory, 'project'), reproduction.tarballs, peers)
  }, BUILD_DEADLINE_MS)

  /** The project, or the end of a test that can't have it. */
  function installed(skip: (reason: string) => never): NpmProject {
    if (project !== undefined) return project
    const reason = 'no registry is reached to install what our packages depend on'
    // Loud: what was not installed is not known to work.
    console.warn(`Skipped: ${reason}`)
    return skip(reason)
  }

  test('every entry point of a package is tried here', () => {
    const exported = PUBLISHED.flatMap((member) => {
      const { name, exports } = manifestOf(member)
      return Object.keys(exports!)
        .filter((path) => path !== './package.json')
        .map((path) => join(name, path))
    })
    expect(exported.sort()).toEqual(Object.keys(ENTRY_POINTS).sort())
  })

  test('all can be required and imported', async ({ skip }) => {
    const { runs } = installed(skip)
    expect(await runs('all.cjs', ALL_REQUIRED)).toBe(ALL_FUNCTIONS)
    expect(await runs('all.mjs', ALL_IMPORTED)).toBe(ALL_FUNCTIONS)
  })

  test.for(NEWER_NODES)(
    'Node.js %s has them all, and a node of memshard in the process',
    {
      timeout: 300_000,
    },
    async (version, { skip }) => {
      const { runs } = installed(skip)
      const node = await installNode(join(directory, `node-${version}`), version)
      if (node === undefined) return skip('no registry is reached that has it for this machine')
      expect(await runs('all.cjs', ALL_REQUIRED, node)).toBe(ALL_FUNCTIONS)
      expect(await runs('all.mjs', ALL_IMPORTED, node)).toBe(ALL_FUNCTIONS)
      const program = `
      import { Client } from '@memshard/client'
      import { startTestNode } from '@memshard/server/testing'
      const node = await startTestNode()
      const cache = new Client({ nodes: [node.address], timeout: 10_000 })
      await cache.set('key', process.version)
      console.log(await cache.get('key'))
      await cache.close()
      await node.stop()`
      expect(await runs('newer.mjs', program, node)).toBe(`v${version}\n`)
      const port = await freePort()
      const executable = join(
        installed(skip).directory,
        'node_modules/@memshard/server/bin/memshard-server',
      )
      const argv = [executable, '-l', '127.0.0.1', '-p', String(port), '-m', '64', '-t', '2']
      // Over the system calls of Linux, where another Node.js could matter.
      await using server = start([...argv, '-u', 'root'], { executable: node, asRoot: false })
      await using wire = await served({ host: '127.0.0.1', port }, server)
      expect(String(await wire.ask('set a 0 0 1\r\nx\r\n'))).toBe('STORED\r\n')
    },
  )

  test.for([
    { resolution: 'node16', module: 'node16', isForAll: false },
    { resolution: 'nodenext', module: 'nodenext', isForAll: true },
    { resolution: 'bundler', module: 'esnext', isForAll: true },
  ])('TypeScript with $resolution resolution compiles what uses it', async (given, { skip }) => {
    const { compiles } = installed(skip)
    const { resolution, module, isForAll } = given
    const uses = (paths: readonly string[]) =>
      paths
        .map((path, i) => {
          const name = ENTRY_POINTS[path as keyof typeof ENTRY_POINTS]
          return `import { ${name} as name${i} } from '${path}'
            export const kind${i}: 'function' = typeof name${i} as typeof name${i} extends Function ? 'function' : never
            // @ts-expect-error nothing is any
            name${i}.there.is.no.such.member`
        })
        .join('\n')
    const all = Object.keys(ENTRY_POINTS)
    // To CommonJS that node16 describes, ES modules are closed: only the client is both, and NestJS 12 is one itself.
    const isCommonJs = (path: string) =>
      path.startsWith('@memshard/client') && path !== '@memshard/client/nestjs'
    const forCommonJs = isForAll ? all : all.filter(isCommonJs)
    const flags = ['--module', module, '--moduleResolution', resolution]
    if (resolution === 'bundler') return compiles({ 'use.ts': uses(all) }, flags)
    // One after the other: a program has Fastify's \`cache\` declared by one of the two.
    await compiles({ 'use.mts': uses(all) }, flags)
    await compiles({ 'use.cts': uses(forCommonJs) }, flags)
  })

  test('executables say their version', async ({ skip }) => {
    const { npx } = installed(skip)
    const { version } = manifestOf('.')
    for (const name of ['memshard-server', 'memshard', 'memshard-bench']) {
      const { stdout } = await npx(name, '--version')
      expect(stdout, name).toContain(version)
    }
  })

  test('a server serves the client, the command line and the bench', async ({ skip }) => {
    const { executable, npx, runs } = installed(skip)
    const port = await freePort()
    const address = `127.0.0.1:${port}`
    const argv = ['-l', '127.0.0.1', '-p', String(port), '-m', '64']
    await using server = start(argv, { executable: executable('memshard-server') })
    await using _wire = await served({ host: '127.0.0.1', port }, server)
    const program = `
      import { Client } from '@memshard/client'
      const cache = new Client({ nodes: ['${address}'], timeout: 10_000 })
      await cache.set('key', 'from a tarball')
      console.log(await cache.get('key'))
      await cache.close()`
    expect(await runs('get.mjs', program)).toBe('from a tarball\n')
    const got = await npx('memshard', '--timeout', '10000', '--servers', address, 'get', 'key')
    expect(got.stdout).toContain('from a tarball')
    const load = ['--requests', '1000', '--connections', '2', '--json']
    const { stdout } = await npx('memshard-bench', '--server', address, ...load)
    expect(JSON.parse(stdout)).toBeTruthy()
  })
})

/** Declarations name sources, whose declarations lie beside them; URLs may name directories. */
function isAmong(files: readonly string[], path: string): boolean {
  const declaration = path.replace(/\.[jt]s$/, '.d.ts')
  if (files.includes(path) || files.includes(declaration)) return true
  return path.endsWith('/') && files.some((file) => file.startsWith(path))
}

function packageOf(specifier: string): string {
  return specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? specifier
}
