// Makes the pictures of the example application in docs/: a page with all nodes up, one after a node was killed, in both
// schemes and on a phone. `node test/dist/example-screenshots.js [folder]`.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { startExample } from './example-app.ts'
import { REPOSITORY } from './repository.ts'

const WARM_MS = 45_000
const DEAD_MS = 6_000
const DESKTOP = { width: 1320, height: 940 }
const PHONE = { width: 390, height: 844 }
const MAX_BYTES = 300_000

const folder = process.argv[2] ?? join(REPOSITORY, 'docs')

async function open(browser: Browser, url: string, size = DESKTOP, dark = false): Promise<Page> {
  const page = await browser.newPage({
    viewport: size,
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  })
  page.on('console', (message) => process.stderr.write(`${message.text()}\n`))
  await page.goto(url)
  await page.locator('#liveness.live').waitFor()
  return page
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(folder, name)
  await page.screenshot({ path })
  const { size } = statSync(path)
  process.stdout.write(`${path}: ${size} bytes${size > MAX_BYTES ? ', too many' : ''}\n`)
}

let browser: Browser | undefined
try {
  await using example = await startExample()
  browser = await launchBrowser()
  const first = await open(browser, example.url)
  await first.getByRole('button', { name: 'Visitors' }).click()
  const light = await open(browser, `${example.url}/plants/foxglove`)
  await light.getByRole('button', { name: 'Put into the basket' }).click()
  await sleep(WARM_MS)
  await light.locator('#again').click()
  await light.locator('#keys li').first().waitFor()
  await take(light, 'example-light.png')
  // The node of the session: its loss is told.
  const name = await first.locator('#session').getAttribute('data-node')
  await first.locator(`#nodes tr[data-node="${name}"] button`).click()
  await sleep(DEAD_MS)
  const dark = first
  await dark.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
  await dark.reload()
  await dark.locator('#keys li').first().waitFor()
  await take(dark, 'example-dark.png')
  const phone = await open(browser, `${example.url}/plants/lavender`, PHONE)
  await take(phone, 'example-phone.png')
  await phone.locator('#formation').scrollIntoViewIfNeeded()
  await phone.evaluate('document.getElementById("formation").scrollIntoView()')
  await take(phone, 'example-phone-formation.png')
} finally {
  await browser?.close()
}
