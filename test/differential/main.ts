// The command line of the differential test: as many sessions as wanted, or one of them again.
import { parseArgs } from 'node:util'
import { CHANGED_ANSWERS, NOT_GENERATED } from './accepted-differences.ts'
import { type Counts, campaign, type Result } from './campaign.ts'
import { memcachedVersion, startPeers, VERSION } from './peers.ts'
import { KINDS, type Kind } from './sessions.ts'
import { transcriptOf } from './transcript.ts'

const USAGE = `Usage: pnpm differential [options]

  --sessions <n>        how many (default 10000)
  --seed <n>            what they are made from (default 1)
  --kind <kind>         ${KINDS.join(', ')} or all (default all)
  --only <n>            that session alone
  --item-size <bytes>   -I of both servers (default 8192)
  --transport <name>    of our server: epoll (default) or node
  --accepted            tells the accepted differences instead
`

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    kind: { type: 'string', default: 'all' },
    only: { type: 'string' },
    'item-size': { type: 'string', default: '8192' },
    transport: { type: 'string', default: 'epoll' },
    accepted: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(USAGE)
} else if (values.accepted) {
  tellAccepted()
} else {
  process.exitCode = await run()
}

async function run(): Promise<number> {
  const version = memcachedVersion()
  if (version !== VERSION) {
    process.stderr.write(`memcached ${VERSION} is needed; here is ${version ?? 'none'}\n`)
    return 2
  }
  const kinds = KINDS.filter((kind) => values.kind === 'all' || values.kind === kind)
  if (kinds.length === 0) {
    process.stderr.write(USAGE)
    return 2
  }
  for (const kind of kinds) {
    const result = await runKind(kind)
    tell(kind, result)
    if (result.failure !== undefined) return 1
  }
  return 0
}

async function runKind(kind: Kind): Promise<Result> {
  await using peers = await startPeers({
    maxItemBytes: Number(values['item-size']),
    flags: ['--transport', values.transport],
  })
  const only = values.only === undefined ? undefined : Number(values.only)
  return await campaign({
    peers,
    kind,
    seed: Number(values.seed),
    sessions: only === undefined ? Number(values.sessions) : 1,
    from: only ?? 0,
    progress: ({ sessions }: Counts) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${kind}: ${sessions} sessions`)
    },
  })
}

function tell(kind: Kind, { counts, seconds, failure }: Result): void {
  const rate = Math.round(counts.sessions / seconds)
  const kinds = [...counts.byKind].sort(([, a], [, b]) => b - a)
  process.stdout.write(
    `${kind}, seed ${values.seed}: ${counts.sessions} sessions in ${seconds.toFixed(1)} s (${rate} a second), ` +
      `${counts.commands} commands, ${counts.steps} answers compared (${counts.answerBytes} bytes)\n` +
      `  ${kinds.map(([name, count]) => `${name} ${count}`).join(', ')}\n`,
  )
  if (failure === undefined) {
    process.stdout.write('  no difference\n')
  } else {
    process.stdout.write(
      `${transcriptOf(failure)}\nagain: pnpm differential --kind ${kind} --seed ${values.seed} --only ${failure.session}\n`,
    )
  }
}

function tellAccepted(): void {
  process.stdout.write('Sent, and both answers checked:\n')
  for (const { why, cases } of CHANGED_ANSWERS) {
    process.stdout.write(`  ${why}: ${cases.length} requests\n`)
  }
  process.stdout.write('Not sent:\n')
  for (const [what, why] of NOT_GENERATED) process.stdout.write(`  ${what}: ${why}\n`)
}
