// The command line of the fuzzer: targets for as long as wanted, or one input again.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type CampaignResult, campaign, corpusDirectory } from './campaign.ts'
import { writeInputs } from './corpus.ts'
import { InstrumentedPackages } from './instrumented-package.ts'
import { TARGETS } from './targets.ts'

const USAGE = `Usage: pnpm fuzz [options]

  --target <name>       ${Object.keys(TARGETS).join(', ')}
                        or all (default all)
  --executions <n>      of each target (default 100000)
  --seconds <n>         or until so much time has gone
  --seed <n>            what inputs are made from (default: the time)
  --keep                keep the inputs that lead furthest in test/fuzz/corpus
  --input <file>        run that input alone, of one target
`
/** Only inputs up to this are kept, so that the corpus stays small; those found first lead as far. */
const MAX_KEPT_BYTES = 400

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'all' },
    executions: { type: 'string', default: '100000' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    keep: { type: 'boolean', default: false },
    input: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

process.exitCode = await main()

async function main(): Promise<number> {
  const names = Object.keys(TARGETS).filter((name) => ['all', name].includes(values.target))
  if (values.help || names.length === 0 || (values.input !== undefined && names.length > 1)) {
    process.stdout.write(USAGE)
    return values.help ? 0 : 2
  }
  if (values.input !== undefined) return runInput(names[0], values.input)
  let defects = 0
  for (const name of names) {
    const result = await fuzz(name)
    tell(name, result)
    if (result.defect !== undefined) defects++
    else if (values.keep) keep(name, result)
  }
  return defects === 0 ? 0 : 1
}

function fuzz(name: string): Promise<CampaignResult> {
  const { seconds, seed, executions } = values
  const milliseconds = seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000
  const plan = { seed: Number(seed), executions: Number(executions), milliseconds }
  return campaign(name, plan, (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${done} executions`)
  })
}

function tell(name: string, result: CampaignResult): void {
  const { executions, inputs, coverage, seconds, defect, defectFile } = result
  const rate = Math.round(executions / seconds)
  process.stdout.write(
    `${name}, seed ${values.seed}: ${executions} executions in ${seconds.toFixed(0)} s (${rate} a second), ` +
      `${coverage} branches, ${inputs} inputs; ${defect === undefined ? 'no defect' : 'DEFECT'}\n`,
  )
  if (defect === undefined) return
  process.stdout.write(
    `${defect.error.stack}\nagain, if it is that input's alone: pnpm fuzz --target ${name} --input ${defectFile}\n` +
      `else: pnpm fuzz --target ${name} --seed ${values.seed} --executions ${executions + 1}\n`,
  )
}

function keep(name: string, { corpus }: CampaignResult): void {
  const kept = corpus.filter(({ length }) => length > 0 && length <= MAX_KEPT_BYTES)
  writeInputs(corpusDirectory(name), kept)
  process.stdout.write(`  kept ${kept.length} of ${corpus.length} inputs\n`)
}

async function runInput(name: string, file: string): Promise<number> {
  using packages = new InstrumentedPackages()
  const target = await TARGETS[name](packages)
  const input = readFileSync(file)
  process.stdout.write(`${JSON.stringify(input.toString('latin1'))}\n`)
  for (const seed of target.seeds) target.run(seed)
  target.run(input)
  target.check()
  process.stdout.write('no defect\n')
  return 0
}
