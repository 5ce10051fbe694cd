// The command `pnpm client-suites`: other people's tests of their clients, against memcached and against us, as a table.
import { parseArgs } from 'node:util'
import { missingNamespaces } from '../chaos/namespaces.ts'
import { MEMSHARD_SERVER } from '../nodes.ts'
import { missingPackages, type Outcome, prepare, runSuite } from './suite-run.ts'
import { CLIENT_SUITES, type ClientSuite } from './suites.ts'

const USAGE = `Usage: pnpm client-suites [options] [NAME...]

Runs the test suites of clients of memcached (${CLIENT_SUITES.map(({ name }) => name).join(', ')})
against memcached and against memshard-server, each in a network of its own, and prints what fails. Exits with 1
if anything fails with us alone, or if a suite could not be run. Needs Debian, and root for the networks.

  --server PATH  run them against another executable
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: MEMSHARD_SERVER },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) process.stdout.write(USAGE)
else process.exitCode = await main()

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => !CLIENT_SUITES.some((suite) => suite.name === name))
  if (unknown.length > 0) {
    process.stderr.write(`client-suites: there is no ${unknown.join(', ')}; --help names all\n`)
    return 1
  }
  const impossible = missingNamespaces()
  if (impossible !== undefined) {
    process.stderr.write(`client-suites: ${impossible}\n`)
    return 1
  }
  const wanted = CLIENT_SUITES.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  )
  let passed = true
  for (const suite of wanted) passed = (await compare(suite)) && passed
  return passed ? 0 : 1
}

/** Prints a suite's line, and tells whether we pass what memcached passes. */
async function compare(suite: ClientSuite): Promise<boolean> {
  const missing = missingPackages(suite)
  if (missing.length > 0) return notRun(suite, `apt-get install ${missing.join(' ')}`)
  try {
    const directory = await prepare(suite)
    const theirs = await runSuite(suite, directory, 'memcached')
    const ours = await runSuite(suite, directory, values.server)
    const ourOwn = ours.failed.filter((test) => !theirs.failed.includes(test))
    const columns = [`memcached ${told(theirs)}`, `memshard ${told(ours)}`]
    process.stdout.write(`${suite.name.padEnd(24)} ${columns.join('; ')}\n`)
    for (const test of ourOwn) process.stdout.write(`  fails with memshard alone: ${test}\n`)
    return ourOwn.length === 0 && ours.tests >= theirs.tests
  } catch (error) {
    return notRun(suite, error instanceof Error ? error.message : String(error))
  }
}

function told({ tests, failed }: Outcome): string {
  return `${tests} tests, ${failed.length} failed`
}

function notRun({ name }: ClientSuite, why: string): false {
  process.stdout.write(`${name.padEnd(24)} not run: ${why}\n`)
  return false
}
