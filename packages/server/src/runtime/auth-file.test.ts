import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AuthFileError, readAuthFile } from './auth-file.ts'

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function read(text: string) {
  const path = join(directory, 'users')
  writeFileSync(path, text, 'latin1')
  const { credentials, truncated } = readAuthFile(path)
  const words = credentials.map(({ user, password }) => [
    Buffer.from(user).toString('latin1'),
    Buffer.from(password).toString('latin1'),
  ])
  return { words, truncated }
}

describe('the file of -Y', () => {
  test('has a user and a password on each line, the last with or without an end', () => {
    const users = [
      ['foo', 'bar'],
      ['baaaz', 'quux'],
    ]
    expect(read('foo:bar\nbaaaz:quux\n').words).toEqual(users)
    expect(read('foo:bar\nbaaaz:quux').words).toEqual(users)
    expect(read('foo:bar\r\nbaaaz:quux\r\n').words).toEqual(users)
  })

  test('the first colon divides, and either side may be of any bytes, or empty', () => {
    expect(read('foo:b:a r\n:x\ny:\nsch\xf6n:\xe4\n').words).toEqual([
      ['foo', 'b:a r'],
      ['', 'x'],
      ['y', ''],
      ['sch\xf6n', '\xe4'],
    ])
  })

  test('may be empty: nobody is let in', () => {
    expect(read('').words).toEqual([])
  })

  test('lets eight in, as memcached does, and says that there are more', () => {
    const eight = Array.from({ length: 8 }, (_, i) => `u${i}:p${i}\n`)
    expect(read(eight.join(''))).toMatchObject({ truncated: false })
    const nine = read(`${eight.join('')}u8:p8\n`)
    expect(nine.words).toHaveLength(8)
    expect(nine.truncated).toBe(true)
  })

  test('takes lines of 255 bytes', () => {
    const password = 'p'.repeat(251)
    expect(read(`foo:${password}\n`).words).toEqual([['foo', password]])
    expect(() => read(`foo:${password}p\n`)).toThrow(AuthFileError)
  })

  test.each(['foo\n', 'foo:bar\n\nbaz:x\n', '\n', 'foo:bar\nbaz'])('refuses %j', (text) => {
    expect(() => read(text)).toThrow(/has a malformed entry\. Should be 'user:password'/)
  })

  test('refuses a file that is not there', () => {
    expect(() => readAuthFile(join(directory, 'none'))).toThrow(
      /^Could not open authfile \[.*none\] for reading/,
    )
  })
})
