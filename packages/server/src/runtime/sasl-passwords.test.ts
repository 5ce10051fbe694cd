// The password file of `-S`. What is accepted here, memcached 1.6.18 built with such a file accepts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SaslPasswords } from './sasl-passwords.ts'

const FILE = `alice@host:secret
bob@host:pw:a remark: of any kind
carol@host:with space\r
dave@host:
erin@realm:pw
nobody:pw
alice@host:second
long@host:${'x'.repeat(300)}
é@host:ö
last@host:end`

let directory: string
let path: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  path = join(directory, 'passwords')
  writeFileSync(path, FILE, 'latin1')
})
afterAll(() => rmSync(directory, { recursive: true }))

function accepts(user: string, password: string, authorization = ''): boolean {
  return new SaslPasswords(path, 'host').accepts({ authorization, user, password })
}

test.each([
  ['alice', 'secret'],
  ['alice@host', 'secret'],
  [' alice\t', 'secret'],
  ['bob', 'pw'],
  ['bob', 'pw:a remark'],
  ['carol', 'with space'],
  ['dave', ''],
  ['erin@realm', 'pw'],
  ['é', 'ö'],
  ['last', 'end'],
])('%j may log in with %j', (user, password) => {
  expect(accepts(user, password)).toBe(true)
})

test.each([
  ['alice', 'wrong'],
  ['alice', ''],
  ['alice', 'sec'],
  ['alice', 'secrets'],
  ['alice', 'second'],
  ['ALICE', 'secret'],
  ['alice@realm', 'secret'],
  ['bob', 'p'],
  ['erin', 'pw'],
  ['nobody', 'pw'],
  ['stranger', 'secret'],
  ['', ''],
  [' ', 'secret'],
  ['long', 'x'.repeat(240)],
  ['long', 'x'.repeat(300)],
])('%j may not with %j', (user, password) => {
  expect(accepts(user, password)).toBe(false)
})

test('everybody acts as themselves', () => {
  expect(accepts('alice', 'secret', 'alice')).toBe(true)
  expect(accepts('alice', 'secret', 'alice@host ')).toBe(true)
  expect(accepts('alice', 'secret', 'bob')).toBe(false)
})

test('what is written to the file holds at once; without it nobody may', () => {
  const changing = join(directory, 'changing')
  const passwords = new SaslPasswords(changing, 'host')
  const login = { authorization: '', user: 'alice', password: 'new' }
  expect(passwords.accepts(login)).toBe(false)
  writeFileSync(changing, 'alice@host:new\n')
  expect(passwords.accepts(login)).toBe(true)
  writeFileSync(changing, 'alice@host:newer\n')
  expect(passwords.accepts(login)).toBe(false)
})
