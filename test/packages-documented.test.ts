// Nobody adds a dependency without a reason: docs/ARCHITECTURE.md has one for each.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REPOSITORY } from './repository.ts'
import { MEMBERS, manifestOf } from './supply-chain/manifests.ts'

const text = readFileSync(join(REPOSITORY, 'docs/ARCHITECTURE.md'), 'utf8')
const section = text.slice(text.indexOf('\n## Dependencies'), text.indexOf('\n## Testing'))
const rows = section.split('\n').filter((line) => /^\| `/.test(line))

/** By name: which column says what. Names of one scope may follow the first without it. */
const documented = new Map<string, { usedBy: string; reason: string }>()
for (const row of rows) {
  const [names, usedBy, reason] = row.split('|').slice(1, -1)
  let scope = ''
  for (const [, name] of names!.matchAll(/`([^`]+)`/g)) {
    if (name!.includes('/')) scope = name!.replace(/[^/]*$/, '')
    const written = { usedBy: usedBy!.trim(), reason: reason!.trim() }
    documented.set(name!, written)
    if (scope !== '') documented.set(`${scope}${name}`, written)
  }
}

const used = new Set(
  MEMBERS.flatMap((member) => {
    const { dependencies, devDependencies, peerDependencies } = manifestOf(member)
    return Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })
  }).filter((name) => !name.startsWith('@memshard/')),
)

test('docs/ARCHITECTURE.md says of every dependency who uses it and what for', () => {
  expect(used.size).toBeGreaterThan(20)
  const undocumented = [...used].filter((name) => {
    const { usedBy = '', reason = '' } = documented.get(name) ?? {}
    return usedBy === '' || reason === ''
  })
  expect(undocumented).toEqual([])
})

test('and of nothing else', () => {
  const gone = rows
    .flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
    .filter((name) => ![...used].some((dependency) => `/${dependency}`.endsWith(`/${name}`)))
  expect(gone).toEqual([])
})
