// What an installation of this repository fetches: exactly what the lockfile has, from a registry, unchanged, and none of
// it is run to be installed.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { REPOSITORY } from './repository.ts'
import { readLockfile } from './supply-chain/lockfile.ts'
import { MEMBERS, manifestOf, PUBLISHED } from './supply-chain/manifests.ts'
import { runtimeDependencies } from './supply-chain/runtime-dependencies.ts'

/** Of npm, and of pnpm (`prepare` is run for packages from git alone). */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall']
/** Also of a package by another name, of which there are two versions. */
const EXACT = /^(npm:[\w./@-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/

const lockfile = readLockfile()

describe('the lockfile', () => {
  test('has a SHA-512 of every package, and no other source than a registry', () => {
    const packages = Object.entries(lockfile.packages)
    expect(packages.length).toBeGreaterThan(100)
    for (const [id, { resolution }] of packages) {
      expect(Object.keys(resolution), id).toEqual(['integrity'])
      expect(resolution.integrity, id).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
    }
    // A version, not the address of a tarball or of a repository.
    for (const id of [...Object.keys(lockfile.packages), ...Object.keys(lockfile.snapshots)]) {
      expect(id).toMatch(/^(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+[-\w.]*(\(.+\))?$/)
    }
  })

  test('is of the manifests as they are', () => {
    for (const member of MEMBERS) {
      const { dependencies, devDependencies } = manifestOf(member)
      const importer = lockfile.importers[member]!
      const locked = { ...importer.dependencies, ...importer.devDependencies }
      const specifiers = Object.entries(locked).map(([name, { specifier }]) => [name, specifier])
      expect(Object.fromEntries(specifiers), member).toEqual({
        ...dependencies,
        ...devDependencies,
      })
    }
  })

  test('is held to by every command that installs', () => {
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: REPOSITORY, encoding: 'utf8' })
    const commands = tracked
      .split('\0')
      .filter((file) => /(^|\/)(package\.json|Dockerfile|[^.]+|.*\.(ya?ml|sh))$/.test(file))
      .filter((file) => file !== 'pnpm-lock.yaml' && existsSync(join(REPOSITORY, file)))
      .flatMap((file) => readFileSync(join(REPOSITORY, file), 'utf8').split('\n'))
      .flatMap(
        (line) => line.match(/\b(pnpm|npm)(@[\d.]+)? (install|add|i|ci|update)\b[^&|;]*/g) ?? [],
      )
      // The package manager itself, in the version that package.json names.
      .filter((command) => !command.includes('packageManager'))
    expect(commands.length).toBeGreaterThan(0)
    for (const command of commands) expect(command).toContain('--frozen-lockfile')
  })
})

test('every dependency is one exact version', () => {
  for (const member of MEMBERS) {
    const { dependencies, devDependencies } = manifestOf(member)
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      const own = name.startsWith('@memshard/')
      expect(version, `${member}: ${name}`).toMatch(own ? /^workspace:\*$/ : EXACT)
    }
  }
  // And so is what installs them.
  const { packageManager, scripts } = manifestOf('.')
  expect(packageManager).toMatch(/^pnpm@\d+\.\d+\.\d+$/)
  const named = Object.values(scripts!).flatMap((script) => script.match(/pnpm@[\w.]+/g) ?? [])
  expect(new Set(named)).toEqual(new Set([packageManager]))
})

/** How many packages come along with each of ours; more than that has to be worth it. */
test('dependencies are few', () => {
  const counts = PUBLISHED.map((member) => {
    const all = [...runtimeDependencies(member).values()]
    const installed = all.filter(({ integrity, manifest }) => integrity && manifest)
    return [member.replace('packages/', ''), installed.length]
  })
  expect(Object.fromEntries(counts)).toEqual({ client: 9, server: 39, bench: 78 })
})

test('every dependency runs on the oldest Node.js that we run on', () => {
  expect(manifestOf('.').engines).toEqual({ node: '>=20.19' })
  for (const member of PUBLISHED) {
    for (const [id, { manifest }] of runtimeDependencies(member)) {
      const oldest = manifest?.engines?.node?.match(/\d+(\.\d+)?/g)?.map(Number) ?? [0]
      expect(Math.min(...oldest), `${id} asks for ${manifest?.engines?.node}`).toBeLessThanOrEqual(
        20.19,
      )
    }
  }
})

describe('scripts of packages', () => {
  test('are not run when this repository is installed', () => {
    const workspace = parse(readFileSync(join(REPOSITORY, 'pnpm-workspace.yaml'), 'utf8'))
    expect(workspace.onlyBuiltDependencies).toEqual([])
    expect(workspace).not.toHaveProperty('dangerouslyAllowAllBuilds')
    // What pnpm noted of the installation that this test runs in.
    const modules = parse(readFileSync(join(REPOSITORY, 'node_modules/.modules.yaml'), 'utf8'))
    expect(modules.pendingBuilds).toEqual([])
  })

  test('that are run when our packages are installed by npm are known', () => {
    const having = PUBLISHED.flatMap((member) => [...runtimeDependencies(member).values()])
      .filter(({ manifest }) => INSTALL_SCRIPTS.some((script) => manifest?.scripts?.[script]))
      .map(({ name }) => name)
    // koffi's looks for the binary that its platform's package has, and builds it where there is none. What is
    // installed without it works: test/packages.test.ts.
    expect(new Set(having)).toEqual(new Set(['koffi']))
  })

  test('ours have none', () => {
    for (const member of PUBLISHED) expect(manifestOf(member).scripts ?? {}, member).toEqual({})
  })

  test('no dependency brings binding.gyp, which npm would build without any script', () => {
    const store = join(REPOSITORY, 'node_modules/.pnpm')
    expect(readdirSync(store).length).toBeGreaterThan(100)
    for (const member of PUBLISHED) {
      for (const { name, version } of runtimeDependencies(member).values()) {
        const entry = join(store, `${name.replace('/', '+')}@${version}`, 'node_modules', name)
        expect(existsSync(join(entry, 'binding.gyp')), name).toBe(false)
      }
    }
  })
})
