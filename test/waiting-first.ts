// The order in which vitest runs the files: those two first that mostly wait, beside each other, for they would keep the
// run waiting at its end. All others as vitest has them. Knows the names of files only.
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Minutes of faults and of memcached's own suite: neither keeps a processor busy. */
const FIRST = ['test/chaos-of-whole.test.ts', 'test/conformance/conformance.test.ts']

export class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rank = ({ moduleId }: TestSpecification) => {
      const place = FIRST.findIndex((file) => moduleId.endsWith(file))
      return place === -1 ? FIRST.length : place
    }
    return sorted.sort((a, b) => rank(a) - rank(b))
  }
}
