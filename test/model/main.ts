// The command line of the model check: sequences for as long as wanted, or known defects to be found.
import { parseArgs } from 'node:util'
import { campaign } from './campaign.ts'
import { PLANTED_DEFECTS } from './planted-defects.ts'
import { hammerWithThreads } from './threads.ts'

const USAGE = `Usage: pnpm model [options]

  --sequences <n>       how many, of all scenarios together (default 10000)
  --seconds <n>         or until so much time has gone
  --seed <n>            what they are made from (default: the time)
  --scenario <name>     only this one
  --threads <n>         so many threads over one cache instead, for as many seconds
  --planted             put known defects into the code, one after the other, to see that they are found
`

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    scenario: { type: 'string', multiple: true, default: [] },
    threads: { type: 'string' },
    planted: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const work = {
  scenarios: values.scenario,
  seed: Number(values.seed),
  sequences: Number(values.sequences),
  seconds: Number(values.seconds),
  planted: [],
}

process.exitCode = await main()

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  if (Object.values(work).some((value) => Number.isNaN(value))) {
    process.stderr.write(USAGE)
    return 2
  }
  if (values.threads !== undefined) return withThreads(Number(values.threads))
  return values.planted ? findPlanted() : compare()
}

async function withThreads(threads: number): Promise<number> {
  if (!(threads >= 1 && threads <= 8 && work.seconds < Number.POSITIVE_INFINITY)) {
    process.stderr.write(USAGE)
    return 2
  }
  const figures = await hammerWithThreads(threads, work.seconds, work.seed)
  process.stdout.write(
    `seed ${work.seed}: ${threads} threads for ${work.seconds} s, ${figures.batches} batches, ${figures.looks} looks, ` +
      `${figures.evictions} evictions, ${figures.pagesMoved} pages moved; no defect\n`,
  )
  return 0
}

async function compare(): Promise<number> {
  const progress = (sequences: number): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${sequences} sequences`)
  }
  const { sequences, operations, evictions, pagesMoved, seconds, defect } = await campaign(
    work,
    progress,
  )
  const rate = (count: number): string => (count / seconds).toFixed(0)
  process.stdout.write(
    `seed ${work.seed}: ${sequences} sequences in ${seconds.toFixed(0)} s (${rate(sequences)} a second), ` +
      `${operations} operations (${rate(operations)} a second), ${evictions} evictions, ` +
      `${pagesMoved} pages moved; ${defect === undefined ? 'no defect' : 'DEFECT'}\n`,
  )
  if (defect === undefined) return 0
  const { scenario, seed, message, sequence } = defect
  process.stdout.write(
    `${scenario}: ${message}\n${sequence}\n` +
      `again: pnpm model --scenario '${scenario}' --seed ${seed} --sequences 25\n`,
  )
  return 1
}

/** Tells how soon each is found; fails if one isn't. */
async function findPlanted(): Promise<number> {
  let escaped = 0
  for (const { name, changes, scenarios } of PLANTED_DEFECTS) {
    const { sequences, seconds, defect } = await campaign({ ...work, scenarios, planted: changes })
    if (defect === undefined) escaped++
    const found = defect === undefined ? 'NOT FOUND' : 'found'
    const message = defect === undefined ? '' : `: ${defect.message.split('\n')[0].slice(0, 100)}`
    process.stdout.write(
      `${name}: ${found} after ${sequences} sequences (${seconds.toFixed(1)} s)${message}\n`,
    )
  }
  process.stdout.write(`${PLANTED_DEFECTS.length - escaped} of ${PLANTED_DEFECTS.length} found\n`)
  return escaped === 0 ? 0 : 1
}
