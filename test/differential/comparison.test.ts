import { describe, expect, test } from 'vitest'
import { CasPairs, difference } from './comparison.ts'
import type { Command, Step } from './session.ts'

function step(...changed: Command['changed'][]): Step {
  const commands = changed.map(
    (change): Command => ({
      kind: 'test',
      protocol: 'text',
      render: () => '',
      ...(change && { changed: change }),
    }),
  )
  return { connection: 0, commands, cuts: [] }
}

function compare(theirs: string, ours: string, pairs = new CasPairs()): string | undefined {
  return difference('text', step(), { theirs, ours }, pairs)
}

describe('CAS uniques', () => {
  const value = (cas: number): string => `VALUE a 0 1 ${cas}\r\nx\r\nEND\r\n`

  test('are each server’s own', () => {
    expect(compare(value(7), value(12))).toBeUndefined()
  })

  test('of the same item stay the same', () => {
    const pairs = new CasPairs()
    expect(compare(value(7), value(12), pairs)).toBeUndefined()
    expect(compare(value(7), value(12), pairs)).toBeUndefined()
    expect(compare(value(7), value(13), pairs)).toBeDefined()
    expect(compare(value(8), value(12), pairs)).toBeDefined()
  })

  test('grow together', () => {
    const pairs = new CasPairs()
    expect(compare(value(7), value(12), pairs)).toBeUndefined()
    expect(compare(value(9), value(11), pairs)).toBeDefined()
    expect(compare(value(9), value(13), pairs)).toBeUndefined()
  })

  test('of 0 are 0', () => {
    expect(compare('NS c0\r\n', 'NS c0\r\n')).toBeUndefined()
    expect(compare('NS c0\r\n', 'NS c1\r\n')).toBeDefined()
  })

  test('are learnt by key', () => {
    const pairs = new CasPairs()
    compare(
      'HD ka c5\r\nHD c9 kb\r\nHD ka c7\r\n',
      'HD ka c50\r\nHD c90 kb\r\nHD ka c70\r\n',
      pairs,
    )
    expect(pairs.latest('theirs', 'a', 0)).toBe('7')
    expect(pairs.latest('ours', 'a', 0)).toBe('70')
    expect(pairs.latest('ours', 'a', 1)).toBe('50')
    expect(pairs.latest('ours', 'b', 1)).toBe('90')
    expect(pairs.latest('ours', 'c', 0)).toBe('90')
  })
})

describe('times', () => {
  test('may be a tick apart', () => {
    expect(compare('HD t100 l0\r\n', 'HD t99 l1\r\n')).toBeUndefined()
    expect(compare('HD t100\r\n', 'HD t-1\r\n')).toBeDefined()
    expect(compare('HD t100\r\n', 'HD t200\r\n')).toBeDefined()
  })

  test('of me are written the other way round by 1.6.18', () => {
    const debug = (exp: number, fetch = 'no', size = 60, slabClass = 1): string =>
      `ME a exp=${exp} la=0 cas=5 fetch=${fetch} cls=${slabClass} size=${size}\r\n`
    expect(compare(debug(-100), debug(100, 'no', 60, 2))).toBeUndefined()
    expect(compare(debug(-100), debug(100, 'yes'))).toBeDefined()
    expect(compare(debug(-100), debug(100, 'no', 61))).toBeDefined()
    expect(compare(debug(-1), debug(50))).toBeDefined()
  })
})

describe('everything else is the same byte for byte', () => {
  test.each([
    ['STORED\r\n', 'STORED\n'],
    ['VA 2\r\nab\r\n', 'VA 2\r\nac\r\n'],
    // What looks like an answer inside a value is none.
    ['VA 8\r\nHD c5\r\n.\r\n', 'VA 8\r\nHD c6\r\n.\r\n'],
    ['VALUE a 0 12\r\nVALUE b 0 1 5\r\nEND\r\n', 'VALUE a 0 12\r\nVALUE b 0 1 6\r\nEND\r\n'],
    ['HD Oc5\r\n', 'HD Oc6\r\n'],
    ['', 'MN\r\n'],
  ])('%j and %j', (theirs, ours) => {
    expect(compare(theirs, ours)).toBe('the answers differ')
    expect(compare(theirs, theirs)).toBeUndefined()
  })
})

test('a known difference must be the known one', () => {
  const known = step({ was: 'ERROR\r\n', is: 'HD\r\n' })
  const answers = (text: string): string => `MN\r\nNF Oa0\r\n${text}NF Ob0\r\nMN\r\n`
  const differs = (theirs: string, ours: string): string | undefined =>
    difference('text', known, { theirs: answers(theirs), ours: answers(ours) }, new CasPairs())
  expect(differs('ERROR\r\n', 'HD\r\n')).toBeUndefined()
  expect(differs('ERROR\r\n', 'ERROR\r\n')).toBeDefined()
  expect(differs('HD\r\n', 'HD\r\n')).toBeDefined()
})

test('binary headers are compared but for their CAS unique', () => {
  const response = (status: number, cas: number): string => {
    const bytes = Buffer.alloc(24)
    bytes[0] = 0x81
    bytes.writeUInt16BE(status, 6)
    bytes.writeUInt32BE(1, 8)
    bytes.writeUInt32BE(cas, 20)
    return `${bytes.toString('latin1')}x`
  }
  const differs = (theirs: string, ours: string): string | undefined =>
    difference('binary', step(), { theirs, ours }, new CasPairs())
  expect(differs(response(0, 7), response(0, 9))).toBeUndefined()
  expect(differs(response(0, 7), response(0, 0))).toBeDefined()
  expect(differs(response(0, 7), response(1, 7))).toBe('the answers differ')
})
