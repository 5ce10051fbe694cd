// The example application, started by its one command, in a browser: what it says of pages, fragments and sessions is so,
// also while a node of its cache is dead, and nothing of it is left when it is stopped.
import { request } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser } from './browser.ts'
import { type RunningExample, startExample } from './example-app.ts'
import { missing } from './peers.ts'
import { isAlive } from './processes.ts'
import { Wire } from './wire.ts'

/** Of a page right after a node was killed: far more than it takes, far less than anybody would wait. */
const SERVED_WITHIN_MS = 10_000

describe.skipIf(missing('chromium') !== undefined)('the example application', () => {
  let browser: Browser
  let page: Page
  let example: RunningExample
  const complaints: string[] = []
  const requests: string[] = []

  beforeAll(async () => {
    browser = await launchBrowser()
    example = await startExample()
    page = await browser.newPage({ reducedMotion: 'reduce' })
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (asked) => requests.push(asked.url()))
  })
  afterAll(async () => {
    await browser?.close()
    await example?.[Symbol.asyncDispose]()
  })

  const open = async (path: string): Promise<void> => {
    const answer = await page.goto(example.url + path)
    expect(answer?.status()).toBe(200)
    await page.locator('#liveness.live').waitFor()
  }
  const title = (): Promise<string | null> => page.locator('#made-title').textContent()
  const sources = (): Promise<(string | null)[]> =>
    page
      .locator('.made tr[data-part]')
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-from')))
  const nodeRow = (name: string) => page.locator(`#nodes tr[data-node="${name}"]`)
  const shares = async (): Promise<number[]> =>
    (await page.locator('#nodes .share').allTextContents()).map((text) => Number.parseFloat(text))
  const sessionNode = async (): Promise<string> =>
    (await page.locator('#session').getAttribute('data-node')) ?? ''

  /** Of each page, whether it was in the cache and the node that was asked for it. */
  async function askForAllPages(): Promise<Map<string, { from: string; node: string }>> {
    const links = await page
      .locator('a[href^="/plants/"]')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''))
    const found = new Map<string, { from: string; node: string }>()
    for (const path of new Set(['/', ...links])) {
      const text = await (await page.request.get(example.url + path)).text()
      const row = /data-part="the page" data-from="(\w+)" data-node="([\w-]*)"/.exec(text)
      found.set(path, { from: row?.[1] ?? '', node: row?.[2] ?? '' })
    }
    return found
  }

  /** That a test may have left dead. */
  async function reviveAll(): Promise<void> {
    for (const button of await page.getByRole('button', { name: /^Revive/ }).all()) {
      await button.click()
    }
    await expect.poll(() => page.locator('#nodes tr[data-state="up"]').count()).toBe(3)
  }

  /** A test that is tried again needs another. */
  const unseen = ['/plants/sea-holly', '/plants/hyssop']

  test('makes a page at the first visit, and has it at the second', async () => {
    await open(unseen.shift()!)
    expect(await title()).toBe('Made by the origin')
    expect(await sources()).toEqual(['origin', 'origin', 'origin', 'origin'])
    await page.locator('#again').click()
    await expect.poll(title).toBe('Whole from the cache')
    expect(await sources()).toEqual(['cache', 'page', 'page', 'page'])
  })

  test('puts a page together from fragments that are there', async () => {
    await page.getByRole('button', { name: 'Forget the page' }).click()
    await expect.poll(title).toBe('Put together from 3 of 3 fragments')
    expect(await sources()).toEqual(['origin', 'cache', 'cache', 'cache'])
    expect(await page.locator('.badge.hit').count()).toBe(3)
    await page.getByRole('button', { name: 'Forget its fragments' }).click()
    await expect.poll(title).toBe('Made by the origin')
  })

  test('makes it without the cache on demand, for comparison', async () => {
    await page.getByRole('link', { name: 'Without the cache' }).click()
    await expect.poll(title).toBe('Made without the cache')
    expect(await sources()).toEqual(['origin', 'origin', 'origin'])
  })

  test('shows what happens, live', async () => {
    const keys = page.locator('#keys li')
    await expect.poll(() => keys.count()).toBeGreaterThan(5)
    await expect.poll(() => page.locator('#ring circle').count()).toBeGreaterThan(3)
    // Each node has a colour on the ring, and about a third of it.
    expect(await page.locator('#ring path').count()).toBe(3)
    for (const share of await shares()) expect(share).toBeGreaterThan(20)
    const hits = async (): Promise<number> =>
      (await page.locator('#nodes .hits').allTextContents())
        .map(Number)
        .reduce((sum, count) => sum + count)
    const before = await hits()
    await page.request.get(`${example.url}/plants/sea-holly`)
    await expect.poll(hits).toBeGreaterThan(before)
  })

  test('keeps a basket in the session', async () => {
    await open('/plants/sea-holly')
    await page.getByRole('button', { name: 'Put into the basket' }).click()
    await expect.poll(() => page.locator('#basket').textContent()).toBe('1: Sea holly')
    await open('/')
    expect(await page.locator('#basket').textContent()).toBe('1: Sea holly')
    const [cookie] = await page.context().cookies()
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' })
  })

  test('goes on when a node is killed: its share of keys and sessions is lost, and nothing else', async () => {
    await open('/')
    await reviveAll()
    await askForAllPages()
    const warm = await askForAllPages()
    expect(new Set(Array.from(warm.values(), ({ from }) => from))).toEqual(new Set(['cache']))
    const dead = await sessionNode()
    const before = await shares()

    // By keys alone.
    const button = nodeRow(dead).getByRole('button')
    await button.focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => nodeRow(dead).getAttribute('data-state')).toBe('down')
    const begun = performance.now()
    await open('/')
    expect(performance.now() - begun).toBeLessThan(SERVED_WITHIN_MS)
    expect(await page.locator('#lost').textContent()).toContain(`It lived on ${dead}, which went`)
    expect(await page.locator('#basket').textContent()).toBe('empty')
    expect(await sessionNode()).not.toBe(dead)

    for (const [path, { from, node }] of await askForAllPages()) {
      const wasOn = warm.get(path)?.node
      expect(node).not.toBe(dead)
      // The home page was just made anew.
      if (path !== '/')
        expect(from, `${path} of ${wasOn}`).toBe(wasOn === dead ? 'origin' : 'cache')
    }
    await expect.poll(() => nodeRow(dead).locator('.share').textContent()).toBe('0.0 %')
    const now = await shares()
    expect(now.reduce((sum, share) => sum + share)).toBeCloseTo(100, 0)
    expect(Math.max(...now)).toBeGreaterThan(Math.max(...before))
    // What was taken over is drawn, too.
    await expect.poll(() => page.locator('#ring path.taken').count()).toBe(1)
    await expect.poll(() => page.locator('#story').textContent()).toContain(`${dead} is down`)
    expect(await page.locator('#story').textContent()).toContain('and 0 of all others')

    await nodeRow(dead).getByRole('button', { name: 'Revive' }).click()
    await expect.poll(() => nodeRow(dead).getAttribute('data-state')).toBe('up')
    await expect.poll(shares).toEqual(before)
    await expect.poll(() => page.locator('#story').textContent()).toContain(`${dead} is back`)
    await expect.poll(() => page.locator('#ring path.taken').count()).toBe(0)
  })

  test('serves without a script and without any node, and has all of it again', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const plain = await context.newPage()
    const path = `${example.url}/plants/sea-holly`
    await plain.goto(path)
    const down = (): Promise<number> => plain.locator('#nodes tr[data-state="down"]').count()
    // Each is a form that leads back to the page.
    for (const killed of [1, 2, 3]) {
      await plain.getByRole('button', { name: /^Kill/ }).first().click()
      await expect.poll(down).toBe(killed)
      expect(plain.url()).toBe(path)
    }
    await plain.goto(path)
    expect(await plain.locator('#made-title').textContent()).toBe('Made by the origin')
    expect(await plain.locator('#lost').textContent()).toContain('No node is up')
    expect(await plain.locator('#story').textContent()).toContain('All nodes are down')
    for (const dead of [2, 1, 0]) {
      await plain
        .getByRole('button', { name: /^Revive/ })
        .first()
        .click()
      await expect.poll(down).toBe(dead)
    }
    await context.close()
    await open('/plants/sea-holly')
    await reviveAll()
    await page.locator('#again').click()
    await expect.poll(title).toBe('Whole from the cache')
  })

  test('sends visitors on demand, and away', async () => {
    const visitors = page.getByRole('button', { name: 'Visitors' })
    const pressed = (): Promise<string | null> => visitors.getAttribute('aria-pressed')
    await visitors.click()
    await expect.poll(pressed).toBe('true')
    await expect.poll(() => page.locator('#reads .hits').count()).toBeGreaterThan(0)
    await visitors.click()
    await expect.poll(pressed).toBe('false')
  })

  test.each([390, 1280])('fits a screen of %i pixels', async (width) => {
    await page.setViewportSize({ width, height: 900 })
    for (const path of ['/', '/plants/california-poppy']) {
      await open(path)
      expect(await page.locator('html').evaluate((root) => root.scrollWidth)).toBe(width)
    }
  })

  test('takes orders from its own pages alone', async () => {
    const own = example.url
    const { host, port } = new URL(own)
    const post = (path: string, headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const asked = request(own + path, { method: 'POST', headers }, (answer) => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        })
        asked.once('error', reject).end()
      })
    expect(await post('/nodes/1/kill', {})).toBe(403)
    expect(await post('/nodes/1/kill', { origin: 'http://example.com' })).toBe(403)
    expect(await post('/nodes/1/kill', { origin: 'null' })).toBe(403)
    const foreign = `rebound.example.com:${port}`
    const rebound = { host: foreign, origin: `http://${foreign}` }
    expect(await post('/nodes/1/kill', rebound)).toBe(421)
    for (const number of ['0', '4', '-1', '1e0', '../1', '9999999999']) {
      expect(await post(`/nodes/${number}/kill`, { origin: own }), number).toBe(404)
    }
    expect(example.nodes.length).toBe(3)
    await open('/')
    expect(await page.locator('#nodes tr[data-state="up"]').count()).toBe(3)
    expect(new Set(requests.map((url) => new URL(url).host))).toEqual(new Set([host]))
    expect(complaints).toEqual([])
  })

  test('leaves nothing running when it is stopped', async () => {
    example.child.kill('SIGTERM')
    expect(await example.exited).toBe(0)
    // One was killed and started again: its port says more than its first process.
    for (const { pid, port } of example.nodes) {
      expect(isAlive(pid)).toBe(false)
      await expect(Wire.connect({ host: '127.0.0.1', port })).rejects.toThrow(/ECONNREFUSED/)
    }
  })
})
