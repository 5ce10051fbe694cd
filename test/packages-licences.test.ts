// What comes along with our packages, and under which terms.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { REPOSITORY } from './repository.ts'
import { isAllowed, licenceList, licencesOfDependencies } from './supply-chain/licences.ts'
import { MEMBERS, manifestOf, PUBLISHED } from './supply-chain/manifests.ts'

const dependencies = licencesOfDependencies()
const read = (file: string) => readFileSync(join(REPOSITORY, file), 'utf8')

test('every run-time dependency is under a licence that asks for no more than its notice', () => {
  expect(dependencies.length).toBeGreaterThan(100)
  const others = dependencies.filter(({ licence }) => !isAllowed(licence))
  expect(others.map(({ name, licence }) => `${name}: ${licence}`)).toEqual([])
})

describe('a licence is allowed', () => {
  test.each([
    ['MIT', true],
    ['(MIT AND Zlib)', true],
    ['(GPL-3.0-only OR MIT)', true],
    ['(GPL-3.0-only AND MIT)', false],
    ['AGPL-3.0-or-later', false],
    ['UNLICENSED', false],
    ['SEE LICENSE IN LICENSE.md', false],
    ['', false],
    [undefined, false],
  ])('%s: %s', (licence, allowed) => expect(isAllowed(licence)).toBe(allowed))
})

test('docs/LICENCES.md lists them all: else `pnpm licences` writes it', () => {
  expect(read('docs/LICENCES.md')).toBe(licenceList(dependencies))
})

test('each package that is published carries the licence of the repository', () => {
  for (const member of PUBLISHED) expect(read(`${member}/LICENSE`), member).toBe(read('LICENSE'))
  for (const member of MEMBERS) {
    const { license, private: isPrivate } = manifestOf(member)
    if (!isPrivate) expect(license, member).toBe('MIT')
  }
})
