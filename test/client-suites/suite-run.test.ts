// What is read of the output of other people's suites: how many tests there were, and which failed.
import { describe, expect, test } from 'vitest'
import { outcomeOf } from './suite-run.ts'
import { CLIENT_SUITES, type ClientSuite } from './suites.ts'

function suite(name: string): ClientSuite {
  const found = CLIENT_SUITES.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no suite ${name}`)
  return found
}

describe('the outcome of a suite', () => {
  test("by perl's prove: a test that was to fail does not make its file fail", () => {
    const output = [
      't/00-load.t ...................... ',
      'Failed 1/5 subtests ',
      't/01-import.t .................... ok',
      'Test Summary Report',
      't/00-load.t                    (Wstat: 256 (exited 1) Tests: 5 Failed: 1)',
      '  Failed test:  5',
      't/10-set-get.t                 (Wstat: 0 Tests: 14 Failed: 0)',
      '  TODO passed:   3',
      'Files=33, Tests=263, 11 wallclock secs',
      'Result: FAIL',
    ].join('\n')
    expect(outcomeOf(suite('Memcached::libmemcached'), output)).toEqual({
      tests: 263,
      failed: ['t/00-load.t'],
    })
  })

  test('by pytest, whether all pass or not', () => {
    expect(outcomeOf(suite('pylibmc'), '....\n41 passed in 6.91s\n')).toEqual({
      tests: 41,
      failed: [],
    })
    const output = 'FAILED tests/test_client.py::T::test_a - Assert\n1 failed, 40 passed in 7s\n'
    expect(outcomeOf(suite('pylibmc'), output)).toEqual({
      tests: 40,
      failed: ['tests/test_client.py::T::test_a'],
    })
  })

  test("by Django's runner", () => {
    const output = 'FAIL: test_add (cache.tests.PyLibMCCacheTests)\nRan 927 tests in 107.316s\n'
    expect(outcomeOf(suite('Django'), output)).toEqual({ tests: 927, failed: ['test_add'] })
  })

  test('by Catch: where an assertion failed, once however often', () => {
    const failure = '/some/where/test/tests/bin/memdump.cpp:50: FAILED:\n'
    const end = 'test cases:     51 |     50 passed | 1 failed\n'
    expect(outcomeOf(suite('libmemcached'), failure + failure + end)).toEqual({
      tests: 51,
      failed: ['bin/memdump.cpp'],
    })
    const passed = 'All tests passed (193483 assertions in 62 test cases)\n'
    expect(outcomeOf(suite('libmemcached'), passed)).toEqual({ tests: 62, failed: [] })
  })

  test('is none when it broke off', () => {
    expect(() => outcomeOf(suite('pylibmc'), 'Segmentation fault\n')).toThrow(/pylibmc broke off/)
  })
})
