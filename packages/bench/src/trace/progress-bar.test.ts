import { describe, expect, test } from 'vitest'
import { ProgressBar, type ProgressOutput } from './progress-bar.ts'

class Screen implements ProgressOutput {
  text = ''
  readonly isTTY: boolean
  readonly columns: number

  constructor(isTTY: boolean, columns = 120) {
    this.isTTY = isTTY
    this.columns = columns
  }

  write(text: string): void {
    this.text += text
  }
}

const HALF = { bytes: 500, size: 1_000, operations: 12_000 }

describe('on a terminal', () => {
  test('one line is drawn again and again: share, operations, rate, time elapsed and left', () => {
    const screen = new Screen(true)
    const bar = new ProgressBar(screen, 0, { NO_COLOR: '1' })
    bar.update(HALF, 60_000)
    bar.update({ bytes: 750, size: 1_000, operations: 13_000 }, 61_000)
    expect(screen.text.split('\r\u001B[K')).toEqual([
      '',
      '[############............]  50 %  12,000 operations  200/s  1:00 elapsed  1:00 left',
      '[##################......]  75 %  13,000 operations  1,000/s  1:01 elapsed  0:20 left',
    ])
    bar.finish()
    expect(screen.text.endsWith('\r\u001B[K')).toBe(true)
  })

  test('is colored, unless NO_COLOR asks for none', () => {
    const screen = new Screen(true)
    new ProgressBar(screen, 0, {}).update(HALF, 1_000)
    expect(screen.text).toContain('[\u001B[32m############\u001B[39m....')
  })

  test('is not drawn more often than it can be read', () => {
    const screen = new Screen(true)
    const bar = new ProgressBar(screen, 0, {})
    for (let now = 0; now < 1_000; now += 20) bar.update(HALF, now)
    expect(screen.text.split('\r')).toHaveLength(5)
  })

  test('has no more than a line: the bar goes first, then the end', () => {
    for (const columns of [100, 70, 30]) {
      const screen = new Screen(true, columns)
      new ProgressBar(screen, 0, { NO_COLOR: '1' }).update(HALF, 1_000)
      const line = screen.text.replace('\r\u001B[K', '')
      expect(line.length).toBeLessThan(columns)
      expect(line).toContain('50 %  12,000 operations')
    }
  })
})

describe('elsewhere', () => {
  test('a line is printed every few seconds', () => {
    const screen = new Screen(false)
    const bar = new ProgressBar(screen, 0, {})
    for (let now = 0; now <= 10_000; now += 1_000) bar.update(HALF, now)
    bar.finish()
    expect(screen.text).toBe(
      ' 50 %  12,000 operations  2,400/s  0:05 elapsed  0:05 left\n' +
        ' 50 %  12,000 operations  0/s  0:10 elapsed  0:10 left\n',
    )
  })
})

test('of what is read from a pipe, nobody knows how much is left', () => {
  const screen = new Screen(true)
  const piped = { bytes: 5_000, size: undefined, operations: 9_000 }
  new ProgressBar(screen, 0, {}).update(piped, 3_700_000)
  expect(screen.text).toBe('\r\u001B[K9,000 operations  2/s  1:01:40 elapsed')
})
