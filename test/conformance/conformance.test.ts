// memcached's own test suite, unchanged, against our executable: one test per file of it. What may fail, and
// why, is in left-out.ts; `test/conformance/run` prints the same as a table.
import { afterAll, describe, expect, test } from 'vitest'
import { MEMSHARD_SERVER } from '../nodes.ts'
import { missing } from '../peers.ts'
import { ABOUT_TLS, CHANGED_REPLIES, SKIPS_ITSELF, SUITE_VERSION } from './left-out.ts'
import { ALONE, FILE_DEADLINE_MS, prepareSuite } from './suite.ts'
import { judge } from './verdict.ts'

const reason = missing('memcached source')
const suite = reason === undefined ? await prepareSuite(MEMSHARD_SERVER) : undefined
const noPerlTls = suite === undefined ? undefined : missing('IO::Socket::SSL')
const files = (suite?.files ?? []).filter((file) => !noPerlTls || !ABOUT_TLS.test(file))
const TIMEOUT = { timeout: FILE_DEADLINE_MS + 30_000 }
afterAll(() => suite?.[Symbol.asyncDispose]())

test('the suite is of the version that our list is about', ({ skip }) => {
  skip(suite === undefined, reason)
  expect(suite?.version).toBe(SUITE_VERSION)
})

test('the list names only files of the suite', ({ skip }) => {
  skip(suite === undefined, reason)
  const named = [...Object.keys(SKIPS_ITSELF), ...CHANGED_REPLIES.map(({ file }) => file)]
  expect(suite?.files).toEqual(expect.arrayContaining(named))
})

const expectations = { skipsItself: SKIPS_ITSELF, changedReplies: CHANGED_REPLIES, exact: true }

async function problemsOf(file: string): Promise<string> {
  return judge(await suite!.run(file), expectations).problems.join('\n')
}

describe('memcached says, by itself, of', () => {
  // They give a server two seconds to start, whatever else the machine has to do.
  const patient = { ...TIMEOUT, retry: 2 }
  test.for(files.filter((file) => ALONE.includes(file)))('%s', patient, async (file) => {
    expect(await problemsOf(file)).toBe('')
  })
})

// Several at once: most of them wait most of their time.
describe.concurrent('memcached says of', () => {
  test.for(files.filter((file) => !ALONE.includes(file)))(
    '%s',
    TIMEOUT,
    async (file, { expect }) => {
      expect(await problemsOf(file)).toBe('')
    },
  )
})
