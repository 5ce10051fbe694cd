// The command line of the fuzzer: targets for as long as wanted, or one input again.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type CampaignResult, campaign, corpusDirectory } from './campaign.ts'
import { writeInputs } from './corpus.ts'
import { type Branch, InstrumentedPackages } from './instrumented-package.ts'
import { PLANTED_DEFECTS, type PlantedDefect } from './planted-defects.ts'
import { fuzzSockets } from './socket-fuzz.ts'
import { TARGETS } from './targets.ts'

const USAGE = `Usage: pnpm fuzz [options]

  --target <name>       ${Object.keys(TARGETS).join(', ')}
                        or all (default all)
  --executions <n>      of each target (default 100000)
  --seconds <n>         or until so much time has gone
  --seed <n>            what inputs are made from (default: the time)
  --keep                keep the inputs that lead furthest in test/fuzz/corpus
  --missed              tell which branches of what it is about no input took
  --sockets             send as many to a real server instead, over sockets
  --planted             put known defects into the code, one after the other, to see that they are found
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
    sockets: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    missed: { type: 'boolean', default: false },
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
  if (values.sockets) return overSockets()
  if (values.planted) return findPlanted(names)
  let defects = 0
  for (const name of names) {
    const result = await fuzz(name)
    tell(name, result)
    if (result.defect !== undefined) defects++
    else if (values.keep) keep(name, result)
  }
  return defects === 0 ? 0 : 1
}

async function overSockets(): Promise<number> {
  const plan = { seed: Number(values.seed), inputs: Number(values.executions) }
  const began = performance.now()
  const { inputs, answeredBytes, connections, exit } = await fuzzSockets(plan)
  const seconds = (performance.now() - began) / 1000
  process.stdout.write(
    `sockets, seed ${values.seed}: ${inputs} connections in ${seconds.toFixed(0)} s, ` +
      `${answeredBytes} bytes answered; ${connections} connection left, exit code ${exit}\n`,
  )
  return connections === 1 && exit === 0 ? 0 : 1
}

/** Tells how soon each is found; fails if one isn't. */
async function findPlanted(targets: readonly string[]): Promise<number> {
  let escaped = 0
  for (const planted of PLANTED_DEFECTS) {
    if (!targets.includes(planted.target)) continue
    const { executions, defect, seconds } = await fuzz(planted.target, planted)
    if (defect === undefined) escaped++
    const found = defect === undefined ? 'NOT FOUND' : 'found'
    process.stdout.write(
      `${planted.target}: ${planted.name}: ${found} after ${executions} executions ` +
        `(${seconds.toFixed(1)} s)${defect === undefined ? '' : `: ${defect.error.message.slice(0, 120)}`}\n`,
    )
  }
  return escaped === 0 ? 0 : 1
}

function fuzz(name: string, planted?: PlantedDefect): Promise<CampaignResult> {
  const { seconds, seed, executions } = values
  const milliseconds = seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000
  const plan = { seed: Number(seed), executions: Number(executions), milliseconds }
  const progress = (done: number): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${done} executions`)
  }
  return campaign(name, plan, progress, planted)
}

function tell(name: string, result: CampaignResult): void {
  const { executions, inputs, branches, missed, seconds, defect, defectFile } = result
  const rate = Math.round(executions / seconds)
  process.stdout.write(
    `${name}, seed ${values.seed}: ${executions} executions in ${seconds.toFixed(0)} s (${rate} a second), ` +
      `${branches - missed.length} of ${branches} branches, ${inputs} inputs; ${defect === undefined ? 'no defect' : 'DEFECT'}\n`,
  )
  if (values.missed) tellMissed(missed)
  if (defect === undefined) return
  process.stdout.write(
    `${defect.error.stack}\nagain, if it is that input's alone: pnpm fuzz --target ${name} --input ${defectFile}\n` +
      `else: pnpm fuzz --target ${name} --seed ${values.seed} --executions ${executions + 1}\n`,
  )
}

function tellMissed(missed: readonly Branch[]): void {
  for (const { module, line, text } of missed) {
    process.stdout.write(`  ${module}:${line}  ${text}\n`)
  }
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
