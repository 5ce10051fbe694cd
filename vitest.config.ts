import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/closing-line.ts'
import { WaitingFirst } from './test/waiting-first.ts'

export default defineConfig({
  // Packages import each other's sources in tests; only executables, and threads, need a build.
  resolve: { conditions: ['memshard-source'] },
  ssr: { resolve: { conditions: ['memshard-source'] } },
  test: {
    reporters: ['default', new ClosingLine()],
    include: ['{packages,examples}/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    sequence: { sequencer: WaitingFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is waited for comes at once, unless the machine is busy: then it is the wait that must not fail.
    expect: { poll: { timeout: 40_000 } },
    // In CI a test may fail once, by what else the machine does; the closing lines name it, and the first failure.
    retry: process.env.CI ? 1 : 0,
    // The machine is shared with the servers under test.
    maxWorkers: 2,
  },
})
