// How long a warm restart takes: fills a server on a memory file, kills it, and measures until the next one answers.
// node test/dist/restart-time.js [directory] [megabytes] [least value bytes] [most value bytes]
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startNode } from './nodes.ts'
import { statistic, Wire } from './wire.ts'

const [directory = '/dev/shm', megabytes = '1024', least = '100', most = '1000'] =
  process.argv.slice(2)
const KEYS_AT_ONCE = 20_000

const place = mkdtempSync(join(directory, 'memshard-'))
const args = ['-v', '-m', megabytes, '-e', join(place, 'items')]
try {
  {
    await using node = await startNode({ args })
    await using wire = await Wire.connect(node)
    const [from, range] = [Number(least), Number(most) - Number(least) + 1]
    for (let key = 0; (await statistic(node, 'evictions')) === 0; ) {
      let sets = ''
      for (const end = key + KEYS_AT_ONCE; key < end; key++) {
        const value = 'v'.repeat(from + ((key * 7919) % range))
        sets += `set key:${key} 0 0 ${value.length} noreply\r\n${value}\r\n`
      }
      await wire.ask(sets)
    }
    console.log(`${await statistic(node, 'curr_items')} items`)
    await node.stop('SIGKILL')
  }
  const started = performance.now()
  await using node = await startNode({ args })
  const milliseconds = performance.now() - started
  const { user, system } = await usage(node)
  console.log(`answers after ${Math.round(milliseconds)} ms, and ${user + system} s of CPU time`)
  console.log(/"milliseconds":\d+/.exec(node.output())?.[0], 'of these for the items')
} finally {
  rmSync(place, { recursive: true })
}

async function usage(
  node: Parameters<typeof statistic>[0],
): Promise<{ readonly user: number; readonly system: number }> {
  await using wire = await Wire.connect(node)
  const text = await wire.say('stats\r\n')
  const of = (name: string): number =>
    Number(new RegExp(`rusage_${name} ([\\d.]+)`).exec(text)?.[1])
  return { user: of('user'), system: of('system') }
}
