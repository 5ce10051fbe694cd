import { describe, expect, test } from 'vitest'
import { FLAGS } from './flags.ts'
import { completeLongOptions } from './long-options.ts'

const complete = (line: string): string => completeLongOptions(line.split(' '), FLAGS).join(' ')

describe('a long option is completed', () => {
  test.each([
    ['--port 1', '--port 1'],
    ['--thr 2', '--threads 2'],
    ['--thr=2', '--threads=2'],
    // Ours would make it ambiguous, and is not memcached's.
    ['--t 2', '--threads 2'],
    ['--tra node', '--transport node'],
    ['--disable-e', '--disable-evictions'],
    ['--verb', '--verbose'],
    ['--verbose=3 -m 5', '--verbose -m 5'],
    ['--extended=track_sizes', '--extended=track_sizes'],
  ])('%s', (line, completed) => {
    expect(complete(line)).toBe(completed)
  })

  test.each(['--dis', '--enable', '--mem 5', '--li', '--tr node', '--=5'])(
    'unless it could be several: %s',
    (line) => {
      expect(() => complete(line)).toThrow(/is ambiguous: it may be --.*, --/)
    },
  )

  test.each(['--nonsense', '-z', 'extra', '-', '---'])('what is none is left: %s', (line) => {
    expect(complete(line)).toBe(line)
  })

  test.each([
    ['-u --dis', '-u --dis'],
    ['-vvu --dis', '-vvu --dis'],
    ['-vvm64 --thr 1', '-vvm64 --threads 1'],
    ['--user --dis --thr 1', '--user --dis --threads 1'],
    ['-- --thr 1', '-- --thr 1'],
    ['-m', '-m'],
  ])('a value is no option: %s', (line, completed) => {
    expect(complete(line)).toBe(completed)
  })
})
