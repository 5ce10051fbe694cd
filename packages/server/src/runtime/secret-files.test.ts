import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { secretFileWarning } from './secret-files.ts'

const directory = mkdtempSync(join(tmpdir(), 'memshard-secrets-'))
afterAll(() => rmSync(directory, { recursive: true }))

function fileOf(mode: number): { path: string; owner: number; group: number } {
  const path = join(directory, mode.toString(8))
  writeFileSync(path, 'secret')
  chmodSync(path, mode)
  const { uid, gid } = statSync(path)
  return { path, owner: uid, group: gid }
}

test("a file for its owner alone is nothing to speak of, whoever's it is", () => {
  expect(secretFileWarning('the key', fileOf(0o600).path)).toBeUndefined()
  expect(secretFileWarning('the key', join(directory, 'none'))).toBeUndefined()
})

test('others who may read or change it are named', () => {
  const { path, owner, group } = fileOf(0o644)
  expect(secretFileWarning('the key', path, { user: owner, groups: [group] })).toBe(
    `Everybody on this machine may read the key (${path}, mode 0644): chmod 600 it.`,
  )
  const shared = fileOf(0o660)
  expect(secretFileWarning('the key', shared.path, { user: owner, groups: [group] })).toBe(
    `Its group may read or change the key (${shared.path}, mode 0660): chmod 600 it.`,
  )
})

test('one that is read as a member of its group, as Kubernetes mounts secrets, is meant so', () => {
  const { path, owner, group } = fileOf(0o440)
  const warning = (user: number, groups: readonly number[]): string | undefined =>
    secretFileWarning('the key', path, { user, groups })
  expect(warning(owner + 1, [7, group])).toBeUndefined()
  // Its owner could have kept it to himself, and root needs no group.
  expect(warning(owner, [group])).toMatch(/^Its group may read/)
  expect(warning(0, [group])).toMatch(/^Its group may read/)
  expect(warning(owner + 1, [group + 1])).toMatch(/^Its group may read/)
  expect(
    secretFileWarning('the key', fileOf(0o460).path, { user: owner + 1, groups: [group] }),
  ).toMatch(/^Its group may read or change/)
})
