// Reads what a Perl test prints: the Test Anything Protocol, with Test::More's diagnostics between. Knows
// nothing of who printed it, nor of what was expected to fail.

export interface FailedAssertion {
  readonly number: number
  readonly name: string
  /** Where Test::More says it is: `t/getset.t line 12`. In a helper's file if the helper asserted. */
  readonly place: string
  /** What was got and what expected, as Test::More prints them. */
  readonly diagnostics: string
}

export interface TapResult {
  /** Assertions announced; undefined if no plan was printed. */
  readonly planned: number | undefined
  /** Why the whole file skipped itself, in its own words. */
  readonly skippedAll: string | undefined
  readonly passed: number
  /** The reasons of single assertions that were skipped, in the order they came. */
  readonly skipped: readonly string[]
  readonly failed: readonly FailedAssertion[]
  readonly bailedOut: string | undefined
}

// Names of assertions may hold any byte but a line's end: `s` lets `.` match a carriage return too.
const PLAN = /^1\.\.(\d+)(?:\s*#\s*skip\S*\s*(.*))?$/i
const ASSERTION = /^(not )?ok\b(?: +(\d+))?(?: +- )?(.*)$/s
const DIRECTIVE = /(?:^|[^\\])#\s*(skip|todo)\S*\s*(.*)$/i
const PLACE = /^#\s+(?:Failed test .*)?at (.+ line \d+)\.$/
const BAIL_OUT = /^Bail out!\s*(.*)$/

/** Reads the output of one test file, stdout and stderr in the order they were written. */
export function readTap(output: string): TapResult {
  let planned: number | undefined
  let skippedAll: string | undefined
  let bailedOut: string | undefined
  let passed = 0
  let last = 0
  const skipped: string[] = []
  const failed: { number: number; name: string; place: string; diagnostics: string }[] = []
  let failing: (typeof failed)[number] | undefined

  for (const line of output.split('\n')) {
    const assertion = ASSERTION.exec(line)
    if (assertion !== null) {
      const [, not, number, name = ''] = assertion
      const [, directive = '', reason = ''] = DIRECTIVE.exec(name) ?? []
      last = number === undefined ? last + 1 : Number(number)
      failing = undefined
      if (directive.toLowerCase() === 'skip') skipped.push(reason)
      else if (not === undefined || directive !== '') passed++
      else {
        failing = { number: last, name, place: '', diagnostics: '' }
        failed.push(failing)
      }
    } else if (failing !== undefined && line.startsWith('#')) {
      const place = PLACE.exec(line)?.[1]
      if (place !== undefined) failing.place = place
      else if (!line.startsWith('#   Failed test')) failing.diagnostics += `${line}\n`
    } else {
      const plan = PLAN.exec(line)
      if (plan !== null) {
        planned = Number(plan[1])
        if (planned === 0) skippedAll = plan[2] ?? ''
      }
      bailedOut = BAIL_OUT.exec(line)?.[1] ?? bailedOut
    }
  }
  return { planned, skippedAll, passed, skipped, failed, bailedOut }
}
