// The command `test/conformance/run`: memcached's own suite against our executable, or another, as a table.
import { parseArgs } from 'node:util'
import { MEMSHARD_SERVER } from '../nodes.ts'
import { ABOUT_TLS, CHANGED_REPLIES, SKIPS_ITSELF, SUITE_VERSION } from './left-out.ts'
import { asMarkdown, asText } from './report.ts'
import { ALONE, prepareSuite } from './suite.ts'
import { type Expectations, judge, type Verdict } from './verdict.ts'

const USAGE = `Usage: test/conformance/run [options] [FILE.t...]

Runs memcached's own test suite, or the named files of it, against memshard-server, and prints what passed, what
did not and what is left out. Exits with 1 if anything fails that test/conformance/left-out.ts does not list.

  --server PATH  run it against another executable
  --real         run it against this machine's memcached. A release build has no debug commands: files
                 that use them fail
  --jobs N       files to run at a time (default 4)
  --markdown     print the table for docs/PROTOCOL.md
  --output       print also all that the files wrote
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string' },
    real: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '4' },
    markdown: { type: 'boolean', default: false },
    output: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) process.stdout.write(USAGE)
else process.exitCode = await main()

async function main(): Promise<number> {
  const theirs = values.server ?? (values.real ? 'memcached' : undefined)
  await using suite = await prepareSuite(theirs ?? MEMSHARD_SERVER)
  const aboutTls = suite.files.filter((file) => ABOUT_TLS.test(file))
  const withoutTls = Object.fromEntries(aboutTls.map((file) => [file, 'a build without TLS']))
  const expectations: Expectations = {
    skipsItself: theirs === undefined ? SKIPS_ITSELF : { ...SKIPS_ITSELF, ...withoutTls },
    // memcached of the suite's version answers as its suite expects, and may have more parts than we.
    changedReplies: theirs === undefined ? CHANGED_REPLIES : [],
    exact: theirs === undefined,
  }
  if (suite.version !== SUITE_VERSION) {
    console.error(
      `This is memcached ${suite.version}'s suite; left-out.ts is about ${SUITE_VERSION}'s.`,
    )
  }
  const wanted = new Set(positionals.map((path) => path.replace(/^.*\//, '')))
  const files = suite.files.filter((file) => wanted.size === 0 || wanted.has(file))
  const verdicts: Verdict[] = []
  const work = async (queue: string[]): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const run = await suite.run(file)
      const verdict = judge(run, expectations)
      verdicts.push(verdict)
      if (values.output) process.stderr.write(run.output)
      const result = verdict.problems.length > 0 ? 'FAILED' : 'ok'
      process.stderr.write(`${verdicts.length}/${files.length} ${file} ${result}\n`)
    }
  }
  await work(files.filter((file) => ALONE.includes(file)))
  const queue = files.filter((file) => !ALONE.includes(file))
  await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, () => work(queue)))

  verdicts.sort((a, b) => (a.file < b.file ? -1 : 1))
  process.stdout.write(values.markdown ? asMarkdown(verdicts) : asText(verdicts))
  return verdicts.some(({ problems }) => problems.length > 0) ? 1 : 0
}
