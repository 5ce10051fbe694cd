// The HTML report of @memshard/bench in a browser: it draws everything, loads nothing, and takes what is in a
// report for text.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { htmlReport, type LoadReport } from '@memshard/bench'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser } from './browser.ts'
import { madeUpReport } from './load-reports.ts'
import { missing } from './peers.ts'

const PLOTS = [
  'percentiles',
  'p50',
  'p99',
  'p999',
  'max',
  'throughput',
  'hitRatio',
  'serverLoad',
  'serverMemory',
  'generatorLoad',
]

const MEMCACHED = { label: 'memcached', microseconds: 300, operationsPerSecond: 120_000 }
const OURS = { label: 'memshard', microseconds: 250, operationsPerSecond: 148_800, hitRatio: 0.95 }

interface Opened {
  readonly page: Page
  /** What went wrong on the page, as the browser tells it. */
  readonly complaints: string[]
  readonly requests: string[]
}

describe.skipIf(missing('chromium') !== undefined)('the HTML report', () => {
  let folder: string
  let browser: Browser

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'memshard-report-'))
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  async function open(reports: LoadReport[], dark = false): Promise<Opened> {
    const file = join(folder, 'report.html')
    writeFileSync(file, htmlReport(reports))
    const page = await browser.newPage({ colorScheme: dark ? 'dark' : 'light' })
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(pathToFileURL(file).href)
    await page.locator('svg').first().waitFor()
    return { page, complaints, requests }
  }

  test('draws every plot with a curve for each run, and loads nothing but itself', async () => {
    const { page, complaints, requests } = await open([madeUpReport(MEMCACHED, OURS)])
    for (const plot of PLOTS) {
      const curves = page.locator(`[data-plot="${plot}"] svg [aria-label="line"] path`)
      expect(await curves.count(), plot).toBe(2)
      for (const curve of await curves.all()) {
        const box = await curve.boundingBox()
        expect(box?.width, plot).toBeGreaterThan(100)
        expect(await curve.getAttribute('d'), plot).not.toContain('NaN')
      }
    }
    expect(await page.locator('[data-plot]').count()).toBe(PLOTS.length)
    expect(complaints).toEqual([])
    expect(requests).toHaveLength(1)
    await page.close()
  })

  test('has the numbers side by side, the best marked and related to the first run', async () => {
    const { page } = await open([madeUpReport(MEMCACHED), madeUpReport(OURS)])
    expect(await page.title()).toBe('memcached vs memshard - memshard-bench')
    const row = async (table: string, name: string): Promise<string[]> => {
      const header = page.getByRole('rowheader', { name, exact: true })
      const found = page.locator(`[aria-labelledby="${table}"] tr`, { has: header })
      return (await found.locator('td').allTextContents()).map((text) => text.trim())
    }
    expect(await row('summary', 'operations/s')).toEqual(['120,000', '148,800 (best)1.24×'])
    expect(await row('summary', 'hit ratio')).toEqual(['93.00 %', '95.00 % (best)+2.00'])
    expect(await row('summary', 'p99')).toEqual([
      expect.stringMatching(/^\d+ µs$/),
      expect.stringMatching(/^\d+ µs \(best\)0.83×$/),
    ])
    const kinds = page.locator('[aria-labelledby="operations"] tbody')
    expect(await kinds.first().textContent()).toMatch(
      /get\s*per second116,129144,000\s*of all97 %97 %/,
    )
    await page.close()
  })

  test('draws both ways to count latency of an open loop, and tells errors first', async () => {
    const complaints = ['a connection was lost', 'missed a key']
    const open12 = { ...MEMCACHED, openLoop: true, errors: 12, complaints }
    const { page } = await open([madeUpReport(open12)])
    const curves = page.locator('[data-plot="percentiles"] svg [aria-label="line"]')
    expect(await curves.count()).toBe(2)
    expect(await curves.first().getAttribute('stroke-dasharray')).toBeTruthy()
    expect(await page.locator('.troubles li').textContent()).toBe(
      'memcached: 12 errors a connection was lost; missed a key',
    )
    await page.close()
  })

  test('tells the values below the pointer, and below one that keys move', async () => {
    const { page } = await open([madeUpReport(MEMCACHED, OURS)])
    const plot = page.locator('[data-plot="throughput"] svg')
    const tip = plot.locator('[aria-label="tip"]')
    await plot.hover()
    await expect.poll(() => tip.textContent()).toMatch(/ s.*\/s {2}memcached.*\/s {2}memshard/s)
    await page.mouse.move(0, 0)
    await plot.focus()
    await page.keyboard.press('End')
    await expect.poll(() => tip.textContent()).toContain('60.0 s')
    await page.keyboard.press('ArrowLeft')
    await expect.poll(() => tip.textContent()).toContain('59.0 s')
    expect(await page.locator('[aria-live]').textContent()).toContain('59.0 s')
    await page.keyboard.press('Escape')
    await expect.poll(() => tip.textContent()).toBe('')
    await page.close()
  })

  test('leaves a run out of the plots that was unchecked', async () => {
    const { page } = await open([madeUpReport(MEMCACHED, OURS)])
    await page.getByRole('checkbox', { name: 'memcached' }).uncheck()
    const curves = page.locator('[data-plot="p99"] svg [aria-label="line"]')
    expect(await curves.count()).toBe(1)
    expect(await curves.getAttribute('stroke')).toBe('var(--run-1)')
    await page.getByRole('checkbox', { name: 'memshard' }).uncheck()
    expect(await page.locator('[data-plot="p99"]').textContent()).toBe('There is nothing to draw.')
    await page.close()
  })

  test('is dark where the reader wants it, in all that is drawn', async () => {
    const colors = async (dark: boolean): Promise<string[]> => {
      const { page } = await open([madeUpReport(MEMCACHED, OURS)], dark)
      const found = await page.evaluate<string[]>(`[
        getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.body).color,
        getComputedStyle(document.querySelector('figure')).backgroundColor,
        getComputedStyle(document.querySelector('svg [aria-label="line"]')).stroke,
      ]`)
      await page.close()
      return found
    }
    const [light, dark] = [await colors(false), await colors(true)]
    for (const [index, color] of light.entries()) expect(dark[index]).not.toBe(color)
  })

  test('is as wide as a telephone where that is all there is', async () => {
    const { page } = await open([madeUpReport(MEMCACHED, OURS)])
    await page.setViewportSize({ width: 400, height: 800 })
    const plot = page.locator('[data-plot="percentiles"] svg')
    await expect.poll(async () => Number(await plot.getAttribute('width'))).toBeLessThan(400)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
    await page.close()
  })

  test('takes what a report says for text', async () => {
    const evil = `</script><script>alert(1)</script><img src=x onerror="alert(2)">\u2028${'`$'}{alert(3)}`
    const report = madeUpReport({ ...MEMCACHED, label: evil, errors: 1, complaints: [evil] })
    const { page, complaints, requests } = await open([{ ...report, commandLine: evil }])
    expect(await page.locator('h1').textContent()).toBe(evil)
    expect(await page.locator('pre').textContent()).toBe(`memshard-bench ${evil}`)
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.locator('[data-plot="p50"] svg').getAttribute('aria-label')).toContain(evil)
    expect(complaints).toEqual([])
    expect(requests).toHaveLength(1)
    await page.close()
  })
})
