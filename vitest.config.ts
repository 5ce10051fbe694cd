import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { ClosingLine } from './test/closing-line.ts'

/** As always, but that which mostly waits begins at once, beside all others. */
class LongWaitsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const waits = ({ moduleId }: TestSpecification): number =>
      moduleId.endsWith('chaos-of-whole.test.ts') ? 0 : 1
    return (await super.sort(files)).sort((a, b) => waits(a) - waits(b))
  }
}

export default defineConfig({
  // Packages import each other's sources in tests; only executables, and threads, need a build.
  resolve: { conditions: ['memshard-source'] },
  ssr: { resolve: { conditions: ['memshard-source'] } },
  test: {
    reporters: ['default', new ClosingLine()],
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    sequence: { sequencer: LongWaitsFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes at once, unless the machine is busy: then it is the wait that must not fail.
    expect: { poll: { timeout: 20_000 } },
    // The machine is shared with the servers under test.
    maxWorkers: 2,
  },
})
