// The command line of the chaos harness. It starts itself anew in namespaces of its own for networks and mounts: all that
// is made there is gone with it, however it ends, and no packet leaves them.
import { execFile, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { type Plan, runChaos } from './harness.ts'
import { inNamespaces } from './namespaces.ts'
import { faultsOf, reportOf } from './verdict.ts'

const USAGE = `Usage: pnpm chaos [options]     (Linux, as root)

  --seconds <n>  how long there are faults (default 300)
  --seed <n>     which faults, and when (default: the time)
  --nodes <n>    (default 5)
`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    nodes: { type: 'string', default: '5' },
    inside: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const plan: Plan = {
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  nodes: Number(values.nodes),
}

if (values.help || Object.values(plan).some((value) => !(value > 0)) || plan.nodes > 200) {
  process.stdout.write(USAGE)
  process.exitCode = values.help ? 0 : 2
} else if (values.inside) {
  await promisify(execFile)('ip', ['link', 'set', 'lo', 'up'])
  const outcome = await runChaos(plan)
  process.stdout.write(reportOf(plan, outcome))
  const faults = faultsOf(outcome)
  for (const fault of faults) process.stdout.write(`NOT RIGHT: ${fault}\n`)
  if (faults.length > 0) {
    process.stdout.write(
      `faults as before: pnpm chaos --seconds ${plan.seconds} --seed ${plan.seed}\n`,
    )
  }
  process.exitCode = faults.length === 0 ? 0 : 1
} else {
  const again = Object.entries(plan).flatMap(([name, value]) => [`--${name}`, String(value)])
  const program = fileURLToPath(import.meta.url)
  const [file, args] = inNamespaces(program, ['--inside', ...again])
  const child = spawn(file, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  child.once('error', (error) => {
    process.stderr.write(`namespaces can't be made: ${error.message}\n`)
    process.exitCode = 2
  })
  child.once('exit', (code) => {
    process.exitCode = code ?? 1
  })
}
