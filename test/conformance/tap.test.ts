import { describe, expect, test } from 'vitest'
import { readTap } from './tap.ts'

describe('a test file says', () => {
  test('how many assertions it makes, and each result', () => {
    expect(readTap('1..3\nok 1 - stored\nok 2\nok 3 - a # b\n')).toEqual({
      planned: 3,
      skippedAll: undefined,
      passed: 3,
      skipped: [],
      failed: [],
      bailedOut: undefined,
    })
  })

  test('what failed, and where', () => {
    const output = [
      'ok 1 - stored foo',
      'not ok 2 - now expired',
      "#   Failed test 'now expired'",
      '#   at t/expirations.t line 31.',
      "#          got: 'VALUE foo 0 6",
      "# '",
      'not ok 3',
      '#   Failed test at t/expirations.t line 40.',
      '1..3',
    ].join('\n')
    expect(readTap(output)).toMatchObject({
      planned: 3,
      passed: 1,
      failed: [
        {
          number: 2,
          name: 'now expired',
          place: 't/expirations.t line 31',
          diagnostics: "#          got: 'VALUE foo 0 6\n# '\n",
        },
        { number: 3, name: '', place: 't/expirations.t line 40', diagnostics: '' },
      ],
    })
  })

  test('why it skips itself', () => {
    expect(readTap('1..0 # SKIP extstore not enabled\n')).toMatchObject({
      planned: 0,
      skippedAll: 'extstore not enabled',
    })
  })

  test('why it skips an assertion, and which may fail', () => {
    const output = '1..3\nok 1 # skip no time\nnot ok 2 - later # TODO one day\nok 3 - x\n'
    expect(readTap(output)).toMatchObject({ passed: 2, skipped: ['no time'], failed: [] })
  })

  test('that it gives up', () => {
    expect(readTap('1..2\nok 1\nBail out!  no server\n')).toMatchObject({
      passed: 1,
      bailedOut: 'no server',
    })
  })
})

test('names may hold any byte', () => {
  expect(readTap("1..2\nok 1 - '\r'\nnot ok 2 - '\0'\n")).toMatchObject({
    passed: 1,
    failed: [{ number: 2, name: "'\0'" }],
  })
})

test('what a server under test writes in between is not taken for a result', () => {
  expect(readTap('okay then\n{"msg":"not ok"}\nok 1 - x\nFailed to write\n1..1\n')).toMatchObject({
    planned: 1,
    passed: 1,
    failed: [],
  })
})
