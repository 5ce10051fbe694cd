// A vitest reporter that ends a run with one plain line, `N passed, N failed, N skipped`, for whoever
// reads logs by machine. Before it stand the tests that passed only when they were run again.
import type { Reporter, TestCase, TestModule } from 'vitest/node'

const REASON_MAX_LINES = 30
const LINE_MAX = 2000

export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 }
    const again: TestCase[] = []
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state !== 'pending') count[state]++
        if (test.diagnostic()?.flaky) again.push(test)
      }
      // A file that could not even be loaded counts: no test of it has run.
      if (module.errors().length > 0) count.failed++
    }
    // After the default reporter's summary, which is printed in the same turn.
    process.once('exit', () => {
      for (const test of again) console.log(`passed when run again: ${told(test)}`)
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
    })
  }
}

/** With all that a property test says: how to have the same again is behind the first line. */
function told(test: TestCase): string {
  const [error] = test.result().errors ?? []
  const lines = (error?.stack ?? error?.message ?? 'for no reason that was told').split('\n')
  const reason = lines.slice(0, REASON_MAX_LINES).map((line) => `  ${line.slice(0, LINE_MAX)}`)
  return [`${test.module.relativeModuleId} > ${test.fullName}`, ...reason].join('\n')
}
