// The page of the admin port, in a browser: what it shows is so and stays so, it is used by keys, it is for light and
// dark and narrow screens, and it takes nothing from anywhere else and no key for markup.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminNode, askHttp, startAdminNode } from './admin-node.ts'
import { launchBrowser } from './browser.ts'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { TRANSPORTS } from './transports.ts'
import { Wire } from './wire.ts'

const TOKEN = 'a-token-that-nobody-guesses'

interface Opened extends AsyncDisposable {
  readonly page: Page
  /** What went wrong on the page, as the browser tells it. */
  readonly complaints: string[]
  /** Every address it has asked for. */
  readonly requests: string[]
}

/** Asks over and over, until it is disposed of. */
async function keepBusy(node: RunningNode): Promise<AsyncDisposable> {
  const wire = await Wire.connect(node)
  let going = true
  const done = (async () => {
    for (let i = 0; going; i++) {
      await wire.ask(`set user:${i % 50} 0 0 5\r\nvalue\r\nget user:${i % 60}\r\nget hot:key\r\n`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      going = false
      await done
      wire.destroy()
    },
  }
}

describe.skipIf(missing('chromium') !== undefined)('the page', () => {
  let browser: Browser
  let folder: string
  let tokenFile: string

  beforeAll(async () => {
    browser = await launchBrowser()
    folder = mkdtempSync(join(tmpdir(), 'memshard-page-'))
    tokenFile = join(folder, 'token')
    writeFileSync(tokenFile, TOKEN)
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  async function open(
    url: string,
    { dark = false, width = 1280 }: { readonly dark?: boolean; readonly width?: number } = {},
  ): Promise<Opened> {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: 'reduce',
    })
    const page = await context.newPage()
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(url)
    await page.locator('#liveness.live').waitFor()
    return { page, complaints, requests, [Symbol.asyncDispose]: () => context.close() }
  }

  const figure = (page: Page, chart: string): Promise<string | null> =>
    page.locator(`#chart-${chart} .figure`).textContent()

  describe.each(TRANSPORTS)('of a node over %s', (transport) => {
    let admin: AdminNode
    let busy: AsyncDisposable
    beforeAll(async () => {
      admin = await startAdminNode({ args: ['--transport', transport, '-t', '2'] })
      await using wire = await Wire.connect(admin.node)
      await wire.ask(`set big:one 0 0 50000\r\n${'b'.repeat(50_000)}\r\n`)
      await wire.ask('set <b>bold</b>&amp; 0 0 1\r\nx\r\n')
      busy = await keepBusy(admin.node)
    })
    afterAll(async () => {
      await busy?.[Symbol.asyncDispose]()
      await admin?.[Symbol.asyncDispose]()
    })

    test('shows what happens, as it happens', async () => {
      await using opened = await open(admin.url)
      const { page, complaints, requests } = opened
      expect(await page.title()).toBe(`${admin.node.address} · memshard`)
      await expect.poll(() => page.locator('#about').textContent()).toContain(transport)
      await expect.poll(() => figure(page, 'requests')).toMatch(/^[\d,.]+( k)?\/s$/)
      await expect.poll(() => figure(page, 'hit-ratio')).toMatch(/^[1-9][\d.]* %$/)
      await expect.poll(() => figure(page, 'latency')).toMatch(/ (µs|ms)$/)
      // A curve that grows.
      const line = page.locator('#chart-requests svg [aria-label="line"] path').first()
      const drawn = await line.getAttribute('d')
      await expect.poll(() => line.getAttribute('d')).not.toBe(drawn)
      const gets = page.locator('#command-table tr[data-key="get"] td').first()
      await expect
        .poll(async () => Number((await gets.textContent())?.replace(/\D/g, '')))
        .toBeGreaterThan(10)
      const hits = page.locator('#class-table tbody tr td').nth(9)
      const before = await hits.textContent()
      await expect.poll(() => hits.textContent()).not.toBe(before)
      expect(complaints).toEqual([])
      for (const url of requests) expect(url.startsWith(admin.url), url).toBe(true)
    })

    test('a fresh one has a past to show', async () => {
      await expect
        .poll(async () => {
          const { body } = await admin.ask('/api/state?since=0')
          return (JSON.parse(body) as { samples: unknown[] }).samples.length
        })
        .toBeGreaterThan(3)
      await using opened = await open(admin.url)
      const path = opened.page.locator('#chart-items svg [aria-label="line"] path').first()
      expect(((await path.getAttribute('d')) ?? '').split('L').length).toBeGreaterThanOrEqual(3)
    })

    test('the memory is drawn class by class, and told to who points at it', async () => {
      await using opened = await open(admin.url)
      const { page } = opened
      const columns = page.locator('.memory-drawing .column')
      const rows = page.locator('#class-table tbody tr')
      await expect.poll(() => columns.count()).toBeGreaterThanOrEqual(2)
      expect(await columns.count()).toBe(await rows.count())
      await page.locator('.memory-drawing').focus()
      await page.keyboard.press('End')
      const tip = page.locator('.memory-tip')
      await expect
        .poll(() => tip.textContent())
        .toMatch(/^Class \d+: chunks of .* 1 page · 1 items/)
      expect(await page.locator('#class-table tr.marked').count()).toBe(1)
      await page.keyboard.press('ArrowLeft')
      await expect.poll(() => tip.textContent()).toMatch(/^Class \d+: chunks of /)
      await page.keyboard.press('Escape')
      await expect.poll(() => tip.textContent()).toMatch(/^Each column/)
    })

    test('the hottest keys and prefixes and the largest items, as text whatever they are', async () => {
      await using opened = await open(admin.url)
      const { page, complaints } = opened
      const ranking = (title: string) =>
        page.locator('.ranking', { has: page.getByRole('heading', { name: title }) })
      await expect
        .poll(() => ranking('Hottest keys').locator('code').first().textContent())
        .toBe('hot:key')
      await expect
        .poll(() => ranking('Hottest prefixes').locator('code').allTextContents())
        .toEqual(expect.arrayContaining(['user', 'hot']))
      const big = ranking('Largest items')
      expect(await big.locator('code').first().textContent()).toBe('big:one')
      expect(await big.locator('code').allTextContents()).toContain('<b>bold</b>&amp;')
      await page.keyboard.press('/')
      await page.keyboard.type('BIG')
      await expect
        .poll(() => page.locator('.ranking code').allTextContents())
        .toEqual(['big', 'big:one'])
      expect(complaints).toEqual([])
    })
  })

  test('shows how full each limit of a prefix is, also when it changes', async () => {
    await using admin = await startAdminNode({
      args: ['-o', 'prefix_limit=10k:tenant-a:,prefix_limit=1m:tenant-b:'],
    })
    await using wire = await Wire.connect(admin.node)
    for (let i = 0; i < 20; i++) {
      await wire.ask(`set tenant-a:${i} 0 0 1000\r\n${'v'.repeat(1000)}\r\n`)
    }
    await using opened = await open(admin.url)
    const rows = opened.page.locator('#limit-table tbody tr')
    await expect.poll(() => rows.count()).toBe(2)
    await expect
      .poll(() => rows.first().textContent(), { timeout: 20_000 })
      .toMatch(/^tenant-a:9[.\d]+ KiB of 10[.\d]* KiB9/)
    await wire.ask('prefix_limit tenant-a: 0\r\n')
    await expect.poll(() => rows.first().textContent(), { timeout: 20_000 }).toMatch(/no limit/)
    expect(opened.complaints).toEqual([])
  })

  describe('is used', () => {
    let admin: AdminNode
    let busy: AsyncDisposable
    beforeAll(async () => {
      admin = await startAdminNode({ args: ['--admin-token-file', tokenFile] })
      busy = await keepBusy(admin.node)
    })
    afterAll(async () => {
      await busy?.[Symbol.asyncDispose]()
      await admin?.[Symbol.asyncDispose]()
    })

    test('by keys: sections, time, pause, help', async () => {
      await using opened = await open(admin.url)
      const { page } = opened
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      await page.keyboard.press('Escape')
      await expect.poll(() => page.locator('dialog[open]').count()).toBe(0)

      await page.keyboard.press('[')
      const pressed = page.locator('[data-range][aria-pressed="true"]')
      expect(await pressed.textContent()).toBe('1 min')
      await page.keyboard.press(']')
      await page.keyboard.press(']')
      expect(await pressed.textContent()).toBe('15 min')

      await page.keyboard.press('m')
      expect(await page.evaluate('document.activeElement.id')).toBe('memory-title')
      // What follows by Tab is of that section.
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.className')).toBe('memory-drawing')

      // There is one from the second sample on.
      const line = page.locator('#chart-requests svg [aria-label="line"] path').first()
      await line.waitFor({ state: 'attached' })
      await page.keyboard.press('p')
      await page.locator('#liveness', { hasText: 'paused' }).waitFor()
      const still = await line.getAttribute('d')
      const asked = opened.requests.length
      await expect
        .poll(async () => {
          const { body } = await admin.ask('/api/state?since=0')
          return (JSON.parse(body) as { samples: unknown[] }).samples.length
        })
        .toBeGreaterThan(4)
      expect(await line.getAttribute('d')).toBe(still)
      expect(opened.requests.length - asked).toBeLessThanOrEqual(2)
      await page.keyboard.press('p')
      await expect.poll(() => line.getAttribute('d')).not.toBe(still)
    })

    test('by keys: a moment in one chart is told in all', async () => {
      await using opened = await open(admin.url)
      const { page } = opened
      const note = (chart: string): Promise<string | null> =>
        page.locator(`#chart-${chart} .note`).textContent()
      await page.locator('#chart-requests .plot svg').waitFor()
      await page.locator('#chart-requests .plot').focus()
      await page.keyboard.press('Home')
      const at = /at \d\d:\d\d:\d\d$/
      await expect.poll(() => note('requests')).toMatch(at)
      expect(await note('traffic')).toBe(await note('requests'))
      expect(await page.locator('#announcer').textContent()).toMatch(
        /^\d\d:\d\d:\d\d: Requests .*get /,
      )
      const first = await note('requests')
      await page.keyboard.press('ArrowRight')
      await expect.poll(() => note('requests')).not.toBe(first)
      await page.keyboard.press('Escape')
      await expect.poll(() => note('requests')).toBe('')
      await page.locator('#chart-traffic .plot').hover()
      await expect.poll(() => note('requests')).toMatch(at)
    })

    test('a prefix is invalidated by who has the token', async () => {
      await using opened = await open(admin.url)
      const { page } = opened
      await using before = await Wire.connect(admin.node)
      expect(await before.say('set gone:1 0 0 1\r\nx\r\n')).toBe('STORED\r\n')
      const dialog = page.getByRole('dialog', { name: 'Invalidate a prefix' })
      const said = page.locator('#invalidate-said')
      await page.keyboard.press('i')
      await dialog.getByLabel('Prefix').fill('gone:')
      await dialog.getByLabel('Token').fill('wrong-wrong-wrong-wrong')
      await dialog.getByRole('button', { name: 'Invalidate' }).click()
      await expect.poll(() => said.textContent()).toMatch(/token of --admin-token-file/)
      await dialog.getByLabel('Token').fill(TOKEN)
      await dialog.getByRole('button', { name: 'Invalidate' }).click()
      await expect.poll(() => said.textContent()).toBe('Everything under “gone:” is gone.')
      await using wire = await Wire.connect(admin.node)
      expect(await wire.say('get gone:1\r\nget user:1\r\n')).toMatch(/^END\r\nVALUE user:1 /)
    })

    test('says so when the server is gone', async () => {
      await using gone = await startAdminNode()
      await using opened = await open(gone.url)
      await gone.node.stop('SIGKILL')
      await opened.page.locator('#liveness.down', { hasText: 'no answer' }).waitFor()
    })
  })

  describe('is seen', () => {
    let admin: AdminNode
    beforeAll(async () => {
      admin = await startAdminNode()
      await using wire = await Wire.connect(admin.node)
      for (let i = 0; i < 20; i++) await wire.ask(`set key:${i} 0 0 1\r\nx\r\nget key:${i}\r\n`)
    })
    afterAll(() => admin?.[Symbol.asyncDispose]())

    /** What has to differ between light and dark. */
    const colors = (page: Page): Promise<string[]> =>
      page.evaluate<string[]>(`[
        getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.body).color,
        getComputedStyle(document.querySelector('.chart')).backgroundColor,
        getComputedStyle(document.querySelector('.column .part-requested')).fill,
      ]`)

    test('light or dark as the system is, or as the reader chooses, also the next time', async () => {
      await using light = await open(admin.url)
      await using dark = await open(admin.url, { dark: true })
      await Promise.all([light, dark].map(({ page }) => page.locator('.column').first().waitFor()))
      const [lights, darks] = [await colors(light.page), await colors(dark.page)]
      for (const [i, color] of lights.entries()) expect(darks[i]).not.toBe(color)
      await dark.page.keyboard.press('t')
      expect(await colors(dark.page)).toEqual(lights)
      await dark.page.reload()
      await dark.page.locator('.column').first().waitFor()
      expect(await colors(dark.page)).toEqual(lights)
    })

    test.each([false, true])('with enough contrast; dark: %s', async (dark) => {
      await using opened = await open(admin.url, { dark })
      await opened.page.locator('.column').first().waitFor()
      const faint = await opened.page.evaluate<string[]>(FAINT_TEXT)
      expect(faint).toEqual([])
    })

    test('on a telephone, without scrolling sideways', async () => {
      await using opened = await open(admin.url, { width: 360 })
      await opened.page.locator('#chart-items svg').waitFor()
      expect(
        await opened.page.evaluate('document.documentElement.scrollWidth'),
      ).toBeLessThanOrEqual(360)
    })

    test('by who doesn’t see it: everything has a role and a name', async () => {
      await using opened = await open(admin.url)
      const { page } = opened
      await page.locator('#chart-items svg').waitFor()
      for (const name of ['Overview', 'Commands', 'Memory', 'Keys']) {
        await page.getByRole('region', { name, exact: true }).waitFor({ state: 'attached' })
      }
      expect(await page.getByRole('img', { name: /^Items 20: items 20/ }).count()).toBe(1)
      expect(await page.getByRole('table', { name: 'Slab classes' }).count()).toBe(1)
      const nameless = await page.evaluate<string[]>(`
        [...document.querySelectorAll('button, input, a')]
          .filter((one) => !(one.innerText || one.ariaLabel || one.labels?.[0]?.innerText))
          .map((one) => one.outerHTML)`)
      expect(nameless).toEqual([])
    })
  })

  describe('keys are private', () => {
    const keysOf = async (port: number, headers = {}) => {
      const { status, body } = await askHttp(port, '/api/keys', { headers })
      return status === 200 ? (JSON.parse(body) as { shown: boolean; reason?: string }) : status
    }

    test('with -X nobody sees them', async () => {
      await using admin = await startAdminNode({ args: ['-X'] })
      await using opened = await open(admin.url)
      await opened.page.getByText('Keys are not shown: the server was started with -X.').waitFor()
    })

    test('who has to log in to list them needs the token to see them', async () => {
      const users = join(folder, 'users')
      writeFileSync(users, 'user:password\n')
      await using admin = await startAdminNode({
        args: ['-Y', users, '--admin-token-file', tokenFile],
      })
      await using opened = await open(admin.url)
      const { page } = opened
      await page.getByRole('button', { name: 'Enter the token' }).click()
      await page.getByRole('dialog', { name: 'Token' }).getByLabel('Token').fill(TOKEN)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Hottest keys' }).waitFor()
    })

    test('nor does anybody from afar without it', async () => {
      const port = await freePort()
      await using _ = await startNode({ args: ['--admin', `*:${port}`] })
      expect(await keysOf(port)).toMatchObject({ shown: false, reason: /--admin-token-file/ })
      const guarded = await freePort()
      const args = ['--admin', `*:${guarded}`, '--admin-token-file', tokenFile]
      await using __ = await startNode({ args })
      expect(await keysOf(guarded)).toMatchObject({ shown: false, token: true })
      expect(await keysOf(guarded, { authorization: 'Bearer wrong' })).toBe(401)
      const headers = { authorization: `Bearer ${TOKEN}` }
      expect(await keysOf(guarded, headers)).toMatchObject({ shown: true })
      // Nor are they in what is open to all.
      for (const path of ['/metrics', '/api/state?since=0', '/healthz', '/readyz']) {
        expect((await askHttp(guarded, path)).body).not.toContain('user:')
      }
    })
  })

  describe('with a formation', () => {
    test('shows shares, load, who is cold and who is down; memcached’s nodes too', async ({
      skip,
    }) => {
      const without = missing('memcached')
      skip(without !== undefined, without)
      await using first = await startNode()
      await using second = await startNode({ server: 'memcached' })
      await using third = await startNode()
      const nodes = [first, second, third]
      const list = nodes.map(({ address }) => address).join(',')
      await using admin = await startAdminNode({ args: ['--admin-nodes', list] })
      await using _ = await keepBusy(first)
      await using __ = await keepBusy(second)
      // This one finds nothing.
      await using wire = await Wire.connect(third)
      const missing_ = setInterval(() => wire.send('get a\r\nget b\r\nget c\r\n'), 20)
      await using opened = await open(admin.url)
      const { page, complaints } = opened
      const row = (node: RunningNode) =>
        page.locator(`#formation-table tr[data-key="${node.address}"]`)
      const cell = (node: RunningNode, column: number) =>
        row(node).locator('td').nth(column).textContent()
      const share = async (node: RunningNode) => Number.parseFloat((await cell(node, 1)) ?? '')
      try {
        await expect
          .poll(() => page.locator('#formation-about').textContent())
          .toMatch(/^3 of 3 nodes up/)
        const shares = await Promise.all(nodes.map(share))
        expect(shares.reduce((sum, one) => sum + one, 0)).toBeCloseTo(100, 0)
        for (const one of shares) expect(one).toBeGreaterThan(20)
        await expect.poll(() => cell(first, 3)).toMatch(/\/s$/)
        await expect.poll(() => cell(second, 4)).toMatch(/^[1-9].* %$/)
        await expect.poll(() => cell(third, 0)).toBe('cold')
        await page.getByText(`${third.address} is cold: it finds 0 % where others find`).waitFor()
        expect(await cell(second, 10)).toMatch(/^1\.6\.\d+$/)
        expect(complaints).toEqual([])
      } finally {
        clearInterval(missing_)
      }
      await third.stop('SIGKILL')
      await expect.poll(() => cell(third, 0)).toBe('down')
      await page.getByText(`${third.address} is down: `).waitFor()
      await expect
        .poll(() => page.locator('#formation-about').textContent())
        .toMatch(/^2 of 3 nodes up/)

      // The exporter's way to ask for one node of many.
      const scraped = async (target: string) => admin.ask(`/scrape?target=${target}`)
      expect((await scraped(second.address)).body).toMatch(/^memcached_up 1$/m)
      expect((await scraped(third.address)).body).toMatch(/^memcached_up 0$/m)
      expect((await scraped('127.0.0.1:22')).status).toBe(404)
    })

    test('follows a file', async () => {
      await using first = await startNode()
      await using second = await startNode()
      const file = join(folder, 'nodes')
      writeFileSync(file, `${first.address}\n`)
      await using admin = await startAdminNode({ args: ['--admin-nodes', `file:${file}`] })
      const names = async (): Promise<string[]> => {
        const { body } = await admin.ask('/api/formation')
        return (JSON.parse(body) as { nodes: { name: string }[] }).nodes.map(({ name }) => name)
      }
      await expect.poll(names).toEqual([first.address])
      writeFileSync(file, `${first.address}\n${second.address}\n`)
      await expect.poll(names).toEqual([first.address, second.address])
    })

    test('a list that can’t be one ends the start', async () => {
      await expect(startAdminNode({ args: ['--admin-nodes', 'a:b:c:d'] })).rejects.toThrow(
        /the formation \(--admin-nodes\) can't be had: /,
      )
      await expect(startNode({ args: ['--admin-nodes', 'a:1'] })).rejects.toThrow(
        /give --admin too/,
      )
    })
  })
})

/** Texts that are too near to what is behind them (WCAG AA), as the browser has computed both. */
const FAINT_TEXT = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((part) => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * R + 0.7152 * G + 0.0722 * B
  }
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor)
      if (color[3] === 255) return color
    }
    return [255, 255, 255]
  }
  const faint = []
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
    if (!text || element.closest('script, [hidden], dialog, .hidden, svg, .skip') !== null) continue
    const [one, other] = [luminance(rgb(getComputedStyle(element).color)), luminance(ground(element))]
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
    if (contrast < 4.5) faint.push(element.textContent + ' ' + contrast.toFixed(2))
  }
  return faint
})()`
