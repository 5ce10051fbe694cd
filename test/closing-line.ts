// A vitest reporter that ends a run with one plain line, `N passed, N failed, N skipped`, for whoever
// reads logs by machine.
import type { Reporter, TestModule } from 'vitest/node'

export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state !== 'pending') count[state]++
      }
      // A file that could not even be loaded counts: no test of it has run.
      if (module.errors().length > 0) count.failed++
    }
    // After the default reporter's summary, which is printed in the same turn.
    process.once('exit', () => {
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
    })
  }
}
