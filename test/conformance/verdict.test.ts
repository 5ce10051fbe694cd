import { describe, expect, test } from 'vitest'
import type { FileRun } from './suite.ts'
import { readTap } from './tap.ts'
import { type Expectations, judge } from './verdict.ts'

function ran(output: string, ended: Partial<FileRun> = {}): FileRun {
  const tap = readTap(output)
  const exit = tap.failed.length
  return { file: 'x.t', tap, output, exit, timedOut: false, leftRunning: [], ...ended }
}

const NOTHING: Expectations = { skipsItself: {}, changedReplies: [], exact: true }
const CHANGED: Expectations = {
  ...NOTHING,
  changedReplies: [
    { file: 'x.t', line: 7, name: 'says b', since: '1.6.40', reason: 'says c now' },
    { file: 'y.t', line: 9, name: 'says d', since: '1.6.40', reason: 'says e now' },
  ],
}
const SAYS_B = "1..2\nok 1\nnot ok 2 - says b\n#   Failed test 'says b'\n#   at t/x.t line 7.\n"

describe('a file is all right', () => {
  test('if it makes the assertions that it announced, and all pass', () => {
    expect(judge(ran('1..2\nok 1\nok 2\n'), NOTHING)).toMatchObject({
      tests: 2,
      passed: 2,
      leftOut: undefined,
      problems: [],
    })
  })

  test('if only what is listed fails', () => {
    expect(judge(ran(SAYS_B), CHANGED)).toMatchObject({
      tests: 2,
      passed: 1,
      changed: [{ line: 7 }],
      problems: [],
    })
  })

  test("if a function of the suite's library finds what is listed", () => {
    const output = SAYS_B.replace('t/x.t line 7', '/a/t/lib/MemcachedTest.pm line 98')
    expect(judge(ran(output), CHANGED).problems).toEqual([])
  })

  test('if it skips itself and is listed for that', () => {
    const expectations = { ...NOTHING, skipsItself: { 'x.t': 'extstore' } }
    expect(judge(ran('1..0 # SKIP not enabled\n'), expectations)).toMatchObject({
      leftOut: 'extstore ("not enabled")',
      problems: [],
    })
  })
})

describe('a file has failed', () => {
  test.each<[string, FileRun, Expectations, RegExp]>([
    ['if an assertion does', ran(SAYS_B), NOTHING, /^2 - says b \(t\/x\.t line 7\)$/],
    [
      'if an assertion of a listed name does elsewhere',
      ran(SAYS_B.replace('line 7', 'line 8')),
      CHANGED,
      /line 8/,
    ],
    ['if a listed assertion passes', ran('1..1\nok 1\n'), CHANGED, /line 7 is listed/],
    ['if it skips itself unlisted', ran('1..0 # SKIP no time\n'), NOTHING, /not listed: no time/],
    [
      'if it runs though listed as skipping itself',
      ran('1..1\nok 1\n'),
      { ...NOTHING, skipsItself: { 'x.t': 'extstore' } },
      /listed as skipping itself/,
    ],
    ['if it stops early', ran('1..2\nok 1\n'), NOTHING, /made 1 of 2/],
    ['if it announces nothing', ran('ok 1\n'), NOTHING, /announced no number/],
    ['if it dies', ran('1..1\nok 1\n', { exit: 255 }), NOTHING, /exited with 255/],
    ['if it is killed', ran('1..1\nok 1\n', { exit: 'SIGSEGV' }), NOTHING, /exited with SIGSEGV/],
    [
      'if it takes too long',
      ran('1..2\nok 1\n', { exit: 'SIGKILL', timedOut: true }),
      NOTHING,
      /did not end in time/,
    ],
    [
      'if it leaves a server running',
      ran('1..1\nok 1\n', { leftRunning: ['memshard-server -d'] }),
      NOTHING,
      /left a process running: memshard-server -d/,
    ],
    ['if it gives up', ran('1..1\nok 1\nBail out!  no\n'), NOTHING, /gave up: no/],
  ])('%s', (_, run, expectations, problem) => {
    expect(judge(run, expectations).problems.join('\n')).toMatch(problem)
  })
})

test('of another executable, what is listed may be so and need not', () => {
  const lenient = { ...CHANGED, skipsItself: { 'x.t': 'extstore' }, exact: false }
  expect(judge(ran('1..1\nok 1\n'), lenient).problems).toEqual([])
})
