// The site of our documentation: that TypeDoc makes it without a warning, with all pages and all that the packages export.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { REPOSITORY } from './repository.ts'
import { manifestOf } from './supply-chain/manifests.ts'

const DOCS = join(REPOSITORY, 'docs')
const BUILD_DEADLINE_MS = 300_000

let site: string

beforeAll(async () => {
  site = mkdtempSync(join(tmpdir(), 'memshard-site-'))
  const typedoc = join(DOCS, 'node_modules/typedoc/bin/typedoc')
  const args = [typedoc, '--options', 'typedoc.config.js', '--out', site]
  await promisify(execFile)(process.execPath, args, { cwd: DOCS })
}, BUILD_DEADLINE_MS)

afterAll(() => {
  rmSync(site, { recursive: true })
})

test('has every page for users, by its title', () => {
  const titles = readdirSync(join(site, 'documents')).map((name) => name.replace('.html', ''))
  expect(titles).toEqual(
    expect.arrayContaining(['Getting_started', 'Concepts', 'Recipes', 'Operations', 'Protocol']),
  )
})

test('has a module for every entry point, by the name that imports it', () => {
  const modules = readdirSync(join(site, 'modules')).map((name) => name.replace('.html', ''))
  for (const name of ['packages/client', 'packages/server'] as const) {
    const { name: imported, exports = {} } = manifestOf(name)
    for (const path of Object.keys(exports)) {
      if (path.endsWith('.json')) continue
      expect(modules).toContain(`${imported}${path.slice(1)}`.replaceAll(/[@/]/g, '_'))
    }
  }
})

test('says of the client what its docstrings say', () => {
  const page = readFileSync(join(site, 'classes/_memshard_client.Client.html'), 'utf8')
  expect(page).toContain('A pool of memcached nodes as one keyspace')
  for (const method of ['getMulti', 'fetch', 'invalidatePrefix']) expect(page).toContain(method)
})
