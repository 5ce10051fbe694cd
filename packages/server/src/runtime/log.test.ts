import { expect, test } from 'vitest'
import { createLog } from './log.ts'
import type { LogLevel } from './settings.ts'

/** A stream that keeps what is written, so that a test can read it. */
function memory(isTTY = false): { isTTY: boolean; text: string; write(text: string): void } {
  return {
    isTTY,
    text: '',
    write(text) {
      this.text += text
    },
  }
}

/** The levels that get through to the stream, in the order of their weight. */
function passed(logLevel: LogLevel): string[] {
  const stream = memory()
  const log = createLog({ logLevel }, stream)
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level]('x')
  const lines = stream.text.split('\n').filter(Boolean)
  return lines.map((line) => (JSON.parse(line) as { level: string }).level)
}

test('a piped log is one JSON object a line', () => {
  const stream = memory()
  const log = createLog({ logLevel: 'info' }, stream)
  log.info({ port: 11211 }, 'listening')
  log.error(new Error('the socket is in use'))

  const lines = stream.text.split('\n')
  expect(lines.pop()).toBe('')
  const [listening, failed] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(listening).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    pid: process.pid,
    port: 11211,
    msg: 'listening',
  })
  expect(failed).toMatchObject({ level: 'error', msg: 'the socket is in use' })
})

test('only lines at the level and above are written', () => {
  expect(passed('warn')).toEqual(['warn', 'error', 'fatal'])
  expect(passed('trace')).toHaveLength(6)
  expect(passed('silent')).toEqual([])
})

test('on a terminal a line can be read, and is there as soon as it is logged', () => {
  const terminal = memory(true)
  createLog({ logLevel: 'info' }, terminal).info({ port: 11211 }, 'listening')
  expect(terminal.text).toMatch(/\d\d:\d\d:\d\d.*INFO.*listening/)
  expect(terminal.text).toContain('11211')
  expect(terminal.text).not.toContain('{"level"')
})
