// Makes the pictures of the admin page in docs/: a node under the load of memshard-bench, in both schemes, and a
// formation with one node that is cold and one that is down. `node test/dist/dashboard-screenshots.js [folder]`.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { type AdminNode, startAdminNode } from './admin-node.ts'
import { startBench } from './bench-process.ts'
import { launchBrowser } from './browser.ts'
import { freePort, startNode } from './nodes.ts'
import { REPOSITORY } from './repository.ts'

const LOAD_SECONDS = 100
const MAX_BYTES = 300_000

/** Values of many sizes, more than fit, some keys far more popular than others. */
const LOAD = [
  ...['--keys', '400000', '--popularity', 'zipf:0.99', '--mix', 'get:88,set:9,delete:1,touch:1'],
  ...['--value-size', 'lognormal:300:1.4', '--key-size', '18-32', '--fill-misses'],
  ...['--connections', '24', '--rate', '6000', '--warmup', '0', '--duration', `${LOAD_SECONDS}`],
]

const folder = process.argv[2] ?? join(REPOSITORY, 'docs')

async function open(
  browser: Awaited<ReturnType<typeof launchBrowser>>,
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
  await page.locator('[data-range="60"]').click()
  return page
}

async function take(page: Page, name: string, fullPage = true): Promise<void> {
  const path = join(folder, name)
  await page.mouse.move(0, 0)
  await page.screenshot({ path, fullPage })
  const { size } = statSync(path)
  process.stdout.write(`${path}: ${size} bytes${size > MAX_BYTES ? ', too many' : ''}\n`)
}

const browser = await launchBrowser()
try {
  const down = await freePort()
  await using admin = await startAdminNode({ args: ['-m', '64', '-t', '2'] })
  await using second = await startNode({ args: ['-m', '64', '-t', '1'] })
  const bench = startBench('-s', admin.node.address, second.address, ...LOAD)
  await sleep(LOAD_SECONDS * 600)
  await using cold = await startNode({ args: ['-m', '64', '-t', '1'] })
  const list = [admin.node.address, second.address, cold.address, `127.0.0.1:${down}`].join(',')
  await using formation = await startAdminNode({ args: ['-m', '64', '--admin-nodes', list] })
  const further = startBench('-s', cold.address, ...LOAD.slice(0, -3), '1', '--duration', '40')
  const light = await open(browser, admin, {})
  const dark = await open(browser, admin, { dark: true })
  const phone = await open(browser, admin, { width: 390, height: 844 })
  const nodes = await open(browser, formation, {})
  await sleep(12_000)
  await take(light, 'dashboard-light.png')
  await take(dark, 'dashboard-dark.png')
  if (process.argv[2] !== undefined) await take(phone, 'dashboard-phone.png')
  await nodes.locator('#formation').scrollIntoViewIfNeeded()
  await nodes.keyboard.press('f')
  await sleep(1_000)
  await take(nodes, 'dashboard-formation.png', false)
  for (const { child, finished } of [bench, further]) {
    child.kill('SIGINT')
    await finished
  }
} finally {
  await browser.close()
}
