// Makes the pictures of the admin page in docs/: a node under the load of memshard-bench, in both schemes, and a
// formation with one node that is cold and one that is down. `node test/dist/dashboard-screenshots.js [folder]`.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@memshard/client'
import type { Browser, Page } from 'playwright-core'
import { type AdminNode, startAdminNode } from './admin-node.ts'
import { startBench } from './bench-process.ts'
import { launchBrowser } from './browser.ts'
import { freePort, startNode } from './nodes.ts'
import { REPOSITORY } from './repository.ts'

const LOAD_SECONDS = 100
const MAX_BYTES = 300_000
const MARGIN = 8

/** Values of many sizes, more than fit, some keys far more popular than others. */
const LOAD = [
  ...['--keys', '400000', '--popularity', 'zipf:0.99', '--mix', 'get:88,set:9,delete:1,touch:1'],
  ...['--value-size', 'lognormal:300:1.4', '--key-size', '18-32', '--fill-misses'],
  ...['--connections', '24', '--rate', '6000', '--warmup', '0s', '--duration', `${LOAD_SECONDS}s`],
]

const folder = process.argv[2] ?? join(REPOSITORY, 'docs')

async function open(
  browser: Browser,
  admin: AdminNode,
  options: {
    readonly dark?: boolean
    readonly width?: number
    readonly height?: number
  },
): Promise<Page> {
  const { dark = false, width = 1280, height = 900 } = options
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
  })
  page.on('console', (message) => process.stderr.write(`${message.text()}\n`))
  await page.goto(admin.url)
  await page.locator('#liveness.live').waitFor()
  return page
}

/** From one element to the end of another: a whole page would be too large a file. */
async function take(page: Page, name: string, from: string, to: string): Promise<void> {
  const path = join(folder, name)
  await page.mouse.move(0, 0)
  const [top, bottom] = await Promise.all([from, to].map((id) => page.locator(id).boundingBox()))
  if (!top || !bottom) throw new Error(`the page has no ${from}, or no ${to}`)
  const y = Math.max(0, top.y - MARGIN)
  const height = bottom.y + bottom.height + MARGIN - y
  const clip = { x: 0, y, width: page.viewportSize()?.width ?? 0, height }
  await page.screenshot({ path, clip, fullPage: true })
  const { size } = statSync(path)
  process.stdout.write(`${path}: ${size} bytes${size > MAX_BYTES ? ', too many' : ''}\n`)
}

/** The bench's keys have one prefix; these have those of an application. */
function runApplication(address: string): AsyncDisposable & { readonly requests: number } {
  const client = new Client({ nodes: [address], timeout: 5_000 })
  const prefixes = ['session', 'session', 'session', 'user', 'user', 'cart', 'feed', 'page']
  let requests = 0
  const timer = setInterval(() => {
    for (const prefix of prefixes) {
      const key = `${prefix}:${Math.floor(1000 * Math.random() ** 4)}`
      client.get(key).then(
        (value) =>
          value === undefined ? client.set(key, 'x'.repeat(200), { ttl: 600 }) : undefined,
        () => {},
      )
      requests++
    }
  }, 20)
  return {
    get requests() {
      return requests
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await client.close()
    },
  }
}

let browser: Browser | undefined
try {
  const down = await freePort()
  await using admin = await startAdminNode({ args: ['-m', '64', '-t', '2', '-f', '1.8'] })
  await using second = await startNode({ args: ['-m', '64', '-t', '1'] })
  const bench = startBench('-s', admin.node.address, second.address, ...LOAD)
  await using application = runApplication(admin.node.address)
  await sleep(LOAD_SECONDS * 600)
  await using cold = await startNode({ args: ['-m', '64', '-t', '1'] })
  const list = [admin.node.address, second.address, cold.address, `127.0.0.1:${down}`].join(',')
  await using formation = await startAdminNode({ args: ['-m', '64', '--admin-nodes', list] })
  const further = startBench('-s', cold.address, '--no-fill', ...LOAD)
  browser = await launchBrowser()
  const light = await open(browser, admin, {})
  const dark = await open(browser, admin, { dark: true })
  const phone = await open(browser, admin, { width: 390, height: 844 })
  const nodes = await open(browser, formation, {})
  await sleep(12_000)
  await take(light, 'dashboard-light.png', 'header', '#memory-picture')
  await take(dark, 'dashboard-dark.png', '#memory', '#keys')
  if (process.argv[2] !== undefined) await take(phone, 'dashboard-phone.png', 'header', '#charts')
  await take(nodes, 'dashboard-formation.png', '#formation', '#formation')
  for (const { child, finished } of [bench, further]) {
    const early = child.exitCode !== null
    child.kill('SIGINT')
    const { err } = await finished
    if (early && err !== '') throw new Error(`there was no load: ${err}`)
  }
  process.stdout.write(`${application.requests} requests of an application's besides\n`)
} finally {
  await browser?.close()
}
