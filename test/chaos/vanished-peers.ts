// Clients whose host is gone: no packet comes from it any more, not even to say that there is nobody. Some were silent,
// some in the middle of a value, some read nothing of what they had asked for. Prints what the server had of them, and
// how it got rid of them. In a namespace of its own, as main.ts, because what tells the server is the kernel, whose
// patience is set there to seconds instead of hours.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startNode } from '../nodes.ts'
import { residentBytes } from '../process-memory.ts'
import { statistic, Wire } from '../wire.ts'
import { NetworkNamespace } from './network-namespace.ts'

const OUR_ADDRESS = '10.211.0.1'
const EACH = 20
const VALUE_BYTES = 500_000
const DEADLINE_MS = 90_000
/** Whoever is on the host of the clients; they end when it does. */
const CROWD = `
const { connect } = require('node:net')
const halfOfOne = 'set half 0 0 ${VALUE_BYTES}\\r\\n' + 'x'.repeat(${VALUE_BYTES / 2})
for (const sent of ['version\\r\\n', halfOfOne, 'get large\\r\\n'.repeat(20)]) {
  for (let i = 0; i < ${EACH}; i++) {
    const socket = connect(Number(process.argv[1]), '${OUR_ADDRESS}').on('error', () => {})
    socket.once('connect', () => socket.pause().write(sent))
  }
}
setInterval(() => {}, 1000)
`

export interface Outcome {
  readonly connected: number
  readonly left: number
  readonly seconds: number
  /** Beyond what was resident before them. */
  readonly meanwhileBytes: number
  readonly afterwardsBytes: number
}

const [kind, ...args] = process.argv.slice(2)
const server = kind === 'memcached' ? 'memcached' : 'memshard'

execFileSync('ip', ['link', 'set', 'lo', 'up'])
for (const [setting, value] of [
  ['tcp_keepalive_time', 2],
  ['tcp_keepalive_intvl', 1],
  ['tcp_keepalive_probes', 3],
  ['tcp_retries2', 3],
] as const) {
  writeFileSync(`/proc/sys/net/ipv4/${setting}`, String(value))
}
await using host = await NetworkNamespace.create(0, false)
await using node = await startNode({ server, args: ['-m', '64', '-l', OUR_ADDRESS, ...args] })
await using wire = await Wire.connect(node)
const stored = await wire.say(`set large 0 0 ${VALUE_BYTES}\r\n${'v'.repeat(VALUE_BYTES)}\r\n`)
if (stored !== 'STORED\r\n') throw new Error(stored)
// What all such clients cost at first is there before they come.
for (let i = 0; i < 100; i++) await wire.say('get large\r\n')
const alone = await statistic(node, 'curr_connections')
const before = residentBytes(node.pid)

const [file, argv] = host.command(process.execPath, ['-e', CROWD, String(node.port)])
const crowd = spawn(file, argv, { stdio: 'ignore' })
const connected = (await until((count) => count >= alone + 3 * EACH)) - alone
// They send what they have, and the server what fits.
await sleep(1_000)
const meanwhileBytes = residentBytes(node.pid) - before
await host.cut()
const begun = performance.now()
crowd.kill('SIGKILL')
await once(crowd, 'exit')
const left = (await until((count) => count <= alone)) - alone
const seconds = Math.round((performance.now() - begun) / 1000)
const afterwardsBytes = residentBytes(node.pid) - before
const outcome: Outcome = { connected, left, seconds, meanwhileBytes, afterwardsBytes }
process.stdout.write(JSON.stringify(outcome))

/** How many connections there are when there are as many as wanted, or it takes too long. */
async function until(wanted: (connections: number) => boolean): Promise<number> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const count = await statistic(node, 'curr_connections')
    if (wanted(count) || performance.now() > deadline) return count
    await sleep(100)
  }
}
