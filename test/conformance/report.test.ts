import { describe, expect, test } from 'vitest'
import { asMarkdown, asText } from './report.ts'
import type { Verdict } from './verdict.ts'

const PASSES: Verdict = {
  file: 'getset.t',
  tests: 120,
  passed: 120,
  leftOut: undefined,
  changed: [],
  skipped: [],
  problems: [],
}
const REPLY = { file: 'cas.t', line: 73, name: 'x', since: '1.6.40', reason: 'says a|b' }
const VERDICTS: readonly Verdict[] = [
  { ...PASSES, file: 'cas.t', tests: 43, passed: 42, changed: [REPLY] },
  PASSES,
  { ...PASSES, file: 'proxy.t', tests: 0, passed: 0, leftOut: 'the Lua proxy ("not enabled")' },
]

describe('the table of results', () => {
  test('at a terminal', () => {
    expect(asText(VERDICTS).split('\n')).toEqual([
      'file      tests  passed  left out and why',
      'cas.t        43      42  line 73: says a|b (since 1.6.40)',
      'getset.t    120     120',
      'proxy.t                  the Lua proxy ("not enabled")',
      '2 files     163     162  1 files left out, 0 failed',
      '',
    ])
  })

  test('tells below what went wrong', () => {
    const failed = { ...PASSES, passed: 119, problems: ['7 - stored\n# got nothing'] }
    expect(asText([failed])).toMatch(/^getset\.t +120 +119 +FAILED$/m)
    expect(asText([failed])).toMatch(/\n\ngetset\.t\n {2}7 - stored\n {2}# got nothing\n$/)
  })

  test('in a document', () => {
    expect(asMarkdown(VERDICTS).split('\n')).toEqual([
      '| file     | tests | passed | left out and why                  |',
      '| -------- | ----: | -----: | --------------------------------- |',
      '| cas.t    |    43 |     42 | line 73: says a\\|b (since 1.6.40) |',
      '| getset.t |   120 |    120 |                                   |',
      '| proxy.t  |       |        | the Lua proxy ("not enabled")     |',
      '| 2 files  |   163 |    162 | 1 files left out, 0 failed        |',
      '',
    ])
  })
})
