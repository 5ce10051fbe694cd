// One fault, exactly: a write is given up on while no packet reaches the node, and another one acknowledged when it is back. Prints
// which of them the node has in the end. In a namespace of its own, as main.ts, because the link is a real one.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@memshard/client'
import { ChaosNode } from './chaos-node.ts'

const FIN_WAIT_1 = '04'
/** Longer than it takes the kernel to send again after the cut, a few times. */
const DEADLINE_MS = 20_000

execFileSync('ip', ['link', 'set', 'lo', 'up'])
await using node = await ChaosNode.create({
  ...{ number: 0, threads: 1, hasMemoryFile: false, hasWeather: true },
  directory: '/nowhere',
})
const [address = ''] = node.line.split(' ')
await using cache = new Client({
  ...{ nodes: [address], timeout: 200, connectTimeout: 200 },
  ...{ failures: 1, probe: { min: 20, max: 50 } },
})
await stored('first')
// Not cut: where the link is down the kernel gives up soon.
await node.weather?.set({ delay: 0, jitter: 0, loss: 1, twice: 0 }, 1)
const ejected = once(cache, 'eject')
const givenUp = await cache.set('k', 'given up on').catch((error) => error.code)
await ejected
// Meanwhile the kernel tries it again, less and less often.
await sleep(1_500)
await node.weather?.clear()
await stored('newest')
await noneIsClosing()
const found = await cache.get('k', { timeout: 5_000 })
process.stdout.write(`${givenUp}, found: ${found}\n`)

async function stored(value: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!(await cache.set('k', value).catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${value} could not be stored`)
    await sleep(10)
  }
}

/** Resolves when the kernel has brought to the node what connections that are no more have left, if they have. */
async function noneIsClosing(): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const sockets = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1)
    if (!sockets.some((line) => line.trim().split(/\s+/)[3] === FIN_WAIT_1)) return
    if (performance.now() > deadline) throw new Error('a connection is still closing')
    await sleep(20)
  }
}
