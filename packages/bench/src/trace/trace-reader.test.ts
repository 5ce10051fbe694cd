import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OPERATIONS } from '../workload/operation.ts'
import { cut, ScriptedBytes } from './trace-bytes-fixture.ts'
import { openTrace, readTrace, type TraceOptions, type TraceReader } from './trace-reader.ts'

const TWITTER = ['0,q:a,3,100,1,get,0', '0,q:b,3,250,1,set,3600', '1,q:a,3,100,2,delete,0']

/** One record as a person would write it down. */
interface Row {
  readonly time: number
  readonly operation: string
  readonly key: string
  readonly valueBytes: number
  readonly ttl: number
  readonly count: number
}

function rowsOf({ records, keys }: TraceReader): Row[] {
  const text = Buffer.alloc(keys.longest)
  return Array.from({ length: records.length }, (_, distance) => {
    const at = records.at(distance)
    return {
      time: records.time[at]!,
      operation: OPERATIONS[records.kind[at]!]!,
      key: text.toString('utf8', 0, keys.write(records.key[at]!, text, 0)),
      valueBytes: records.valueBytes[at]!,
      ttl: records.ttl[at]!,
      count: records.count[at]!,
    }
  })
}

async function read(lines: readonly string[], options?: TraceOptions): Promise<TraceReader> {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  return await readTrace(new ScriptedBytes(cut(bytes, [bytes.length])), 'a.csv', options)
}

const ROWS: readonly Row[] = [
  { time: 0, operation: 'get', key: 'q:a', valueBytes: 100, ttl: 0, count: 1 },
  { time: 0, operation: 'set', key: 'q:b', valueBytes: 250, ttl: 3600, count: 1 },
  { time: 1, operation: 'delete', key: 'q:a', valueBytes: 100, ttl: 0, count: 1 },
]

describe('formats', () => {
  test("Twitter's seven columns", async () => {
    const trace = await read(TWITTER)
    expect(trace.layout.format).toBe('twitter')
    expect(rowsOf(trace)).toEqual(ROWS)
  })

  test('a header that names columns in any order', async () => {
    const trace = await read([
      'ttl,key,ignored,op,time,size',
      '0,q:a,x,get,0,100',
      '3600,q:b,x,set,0,250',
      '0,q:a,x,delete,1,100',
    ])
    expect(trace.layout.format).toBe('csv')
    expect(rowsOf(trace)).toEqual(ROWS)
  })

  test("cachebench's columns, with operations in capital letters and a count", async () => {
    const trace = await read([
      'op_time,key,key_size,op,op_count,size,cache_hits,ttl',
      '7,8811,6,GET,3,100,3,0',
      '7,8812,4,SET,1,250,0,60',
      '8,8811,6,GET_LEASE,1,100,,',
    ])
    expect(rowsOf(trace)).toEqual([
      { time: 7, operation: 'get', key: '8811~~', valueBytes: 100, ttl: 0, count: 3 },
      { time: 7, operation: 'set', key: '8812', valueBytes: 250, ttl: 60, count: 1 },
      { time: 8, operation: 'get', key: '8811~~', valueBytes: 100, ttl: 0, count: 1 },
    ])
  })

  test('times with fractions, or in milliseconds', async () => {
    const seconds = await read(['time,key,op', '1.5,a,get', '1.75,a,get'])
    expect(rowsOf(seconds).map(({ time }) => time)).toEqual([1.5, 1.75])
    const ms = await read(['time,key,op', '1500,a,get'], { ticksPerSecond: 1_000 })
    expect(rowsOf(ms)[0]!.time).toBe(1.5)
  })

  test('quotes around what holds a comma, where there is a header', async () => {
    const trace = await read(['"key","op"', '"a,b",get', 'a"b,"set"', '"say ""hi""",get'])
    expect(rowsOf(trace).map(({ key, operation }) => `${key} ${operation}`)).toEqual([
      'a,b get',
      'a"b set',
      expect.stringMatching(/^[0-9a-f]{32} get$/),
    ])
  })

  test("commas and quotes in Twitter's keys, which are not quoted", async () => {
    const trace = await read(['5,"a,b,,5,10,7,get,0', '5,c",2,10,7,get,0'])
    expect(rowsOf(trace).map(({ key, valueBytes }) => [key, valueBytes])).toEqual([
      ['"a,b,', 10],
      ['c"', 10],
    ])
  })

  test('lines of Windows, empty lines, and a byte order mark', async () => {
    const trace = await read(['\uFEFFkey,op\r', 'a,get\r', '\r', '', 'b,set\r'])
    expect(rowsOf(trace).map(({ key, operation }) => `${key} ${operation}`)).toEqual([
      'a get',
      'b set',
    ])
    expect(trace.account.malformed).toBe(0)
  })

  test('can be forced, where the first line looks like the other', async () => {
    const lines = ['0,key,3,100,1,get,0']
    await expect(read(lines)).rejects.toThrow(/does not begin with a header/)
    expect(rowsOf(await read(lines, { format: 'twitter' }))).toHaveLength(1)
  })

  test('are told from each other, and from anything else', async () => {
    await expect(read(['id,op', '1,get'])).rejects.toThrow(
      'a.csv does not begin with a header that names the columns "key" and "op", but with "id,op"',
    )
    await expect(read(TWITTER, { format: 'csv' })).rejects.toThrow(/does not begin with a header/)
    await expect(read(['time,key,op,timestamp', '1,a,get,1'])).rejects.toThrow(
      'a.csv has several columns for one thing (time) in its header',
    )
    await expect(read([])).rejects.toThrow('the trace a.csv is empty')
  })
})

describe('operations', () => {
  test('are played as the nearest that a load has; others are left out and counted', async () => {
    const names =
      'get gets set add replace cas append prepend delete incr decr touch gat GETS flush'
    const trace = await read(['op,key', ...names.split(' ').map((name) => `${name},k`)])
    expect(rowsOf(trace).map(({ operation }) => operation)).toEqual(
      'get get set set set set append append delete incr incr touch get'.split(' '),
    )
    expect(trace.account).toMatchObject({ leftOut: 2, leftOutNames: ['gat', 'flush'], lines: 16 })
  })

  test('there must be some', async () => {
    await expect(read(['op,key', 'flush,k'])).rejects.toThrow('no line of a.csv is an operation')
  })
})

describe('malformed lines', () => {
  const good = Array.from({ length: 500 }, (_, index) => `${index},k${index},4,10,1,get,0`)
  const bad = [
    ['1,k,4,10,1,get', 'has 6 columns, not 7'],
    ['1,k,4', 'has 3 columns, not 7'],
    ['x,k,4,10,1,get,0', 'has no time'],
    [',k,4,10,1,get,0', 'has no time'],
    ['1,,4,10,1,get,0', 'has no key'],
    ['1,k,4,-10,1,get,0', 'has no possible size of a value'],
    ['1,k,4,9999999999,1,get,0', 'has no possible size of a value'],
    ['1,k,4,10,1,get,1.2.3', 'has no time to live'],
    ['1,k,4x,10,1,get,0', 'has no size of the key'],
  ] as const

  test.each(bad)('%s %s', async (line, why) => {
    const trace = await read([...good, line])
    expect(trace.records.length).toBe(500)
    expect(trace.keys.size).toBe(500)
    expect(trace.account).toMatchObject({
      malformed: 1,
      complaints: [`line 501 ${why}: ${JSON.stringify(line)}`],
    })
  })

  test('longer than is sensible', async () => {
    const trace = await read([...good, `1,${'k'.repeat(70_000)},4,10,1,get,0`, '9,k,1,1,1,get,0'])
    expect(trace.records.length).toBe(501)
    expect(trace.account.complaints[0]).toMatch(/^line 501 is longer than 65536 bytes: "1,kkk/)
  })

  test('of more than a hundredth are an error that shows the first, and only the first few are kept', async () => {
    const five = Array.from({ length: 6 }, () => 'nonsense')
    await expect(read([...good, ...five])).rejects.toThrow(
      '6 of the first 506 lines of a.csv are malformed: line 501 has 1 columns, not 7: "nonsense"',
    )
    const enough = Array.from({ length: 700 }, () => TWITTER[0]!)
    expect((await read([...enough, ...five])).account.complaints).toHaveLength(5)
  })

  test('show while a long file is read, before its end', async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => (at % 50 === 7 ? 'x' : TWITTER[0]!))
    const bytes = Buffer.from(`${lines.join('\n')}\n`)
    const endless = new ScriptedBytes([bytes, bytes], { late: true })
    await expect(readTrace(endless, 'a.csv')).rejects.toThrow(/lines of a.csv are malformed/)
    expect(endless.ended).toBe(false)
  })
})

describe('lines of any fields', () => {
  const row = fc.record({
    time: fc.nat(9_000),
    operation: fc.constantFrom('get', 'set', 'delete', 'incr', 'append', 'touch'),
    // With commas and quotes, and without the character that fills keys up.
    key: fc.stringMatching(/^[!-}]{1,20}$/),
    valueBytes: fc.nat(1_000_000),
    ttl: fc.nat(100_000),
    count: fc.integer({ min: 1, max: 9 }),
  })

  test("are read as they were written, in Twitter's columns", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1 }), async (rows) => {
        const lines = rows.map(
          ({ time, key, valueBytes, operation, ttl }) =>
            `${time},${key},${key.length},${valueBytes},7,${operation},${ttl}`,
        )
        const trace = await read(lines, { format: 'twitter', recordsAhead: 16 })
        expect(rowsOf(trace)).toEqual(rows.slice(0, 16).map((row) => ({ ...row, count: 1 })))
      }),
    )
  })

  test('are read as they were written, in any columns, quoted or not', async () => {
    const names = ['time', 'key', 'op', 'size', 'ttl', 'op_count', 'comment']
    const order = fc.shuffledSubarray(names, { minLength: names.length })
    const quote = fc.boolean()
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1 }),
        order,
        quote,
        async (rows, order, quote) => {
          const unquoted = rows.map((row) => ({ ...row, key: row.key.replaceAll('"', '.') }))
          const lines = unquoted.map(({ time, key, operation, valueBytes, ttl, count }) => {
            const fields: Readonly<Record<string, string>> = {
              time: String(time),
              key: quote || key.includes(',') ? `"${key}"` : key,
              op: quote ? `"${operation}"` : operation,
              size: quote ? `"${valueBytes}"` : String(valueBytes),
              ttl: String(ttl),
              op_count: String(count),
              comment: quote ? '"a, ""b"""' : '',
            }
            return order.map((name) => fields[name]).join(',')
          })
          const trace = await read([order.join(','), ...lines], { recordsAhead: 16 })
          expect(rowsOf(trace)).toEqual(unquoted.slice(0, 16))
        },
      ),
    )
  })
})

test('wherever its bytes are cut, a trace says the same', async () => {
  const key = fc.stringMatching(/^[ -~]{1,20}$/)
  const line = fc
    .tuple(fc.nat(9), key, fc.nat(300), fc.constantFrom('get', 'set', 'delete', 'gat'))
    .map(([time, key, size, operation]) => `${time},${key},8,${size},1,${operation},0`)
  const lengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 9 })
  const all = fc.array(line, { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(all, lengths, fc.boolean(), async (lines, lengths, late) => {
      const whole = await read([TWITTER[0]!, ...lines])
      const bytes = Buffer.from([TWITTER[0], ...lines].join('\n'))
      const pieces = new ScriptedBytes(cut(bytes, lengths), { late })
      const cutUp = await readTrace(pieces, 'a.csv')
      expect(rowsOf(cutUp)).toEqual(rowsOf(whole))
      expect(cutUp.account).toEqual(whole.account)
    }),
  )
})

describe('files', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memshard-trace-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  const zstdInstalled = spawnSync('zstd', ['--version']).status === 0
  const text = Array.from(
    { length: 200_000 },
    (_, at) =>
      `${at >> 10},k:${(at * 7919) % 10_007},12,${at % 977},1,${at % 9 ? 'get' : 'set'},60\n`,
  ).join('')

  interface Compression {
    readonly name: string
    readonly compress: (text: string) => Buffer
  }

  const zstd =
    (...flags: string[]) =>
    (input: string): Buffer =>
      spawnSync('zstd', ['-c', ...flags], { input, maxBuffer: 64 * 1024 * 1024 }).stdout

  const compressions: readonly Compression[] = [
    { name: 'plain', compress: (text) => Buffer.from(text) },
    { name: 'gzip', compress: (text) => gzipSync(text) },
    {
      name: 'gzip of several members',
      compress: (text) => Buffer.concat([gzipSync(text.slice(0, 99)), gzipSync(text.slice(99))]),
    },
    ...(zstdInstalled
      ? [
          { name: 'zstd', compress: zstd() },
          { name: 'zstd, hard', compress: zstd('-12') },
          {
            name: 'zstd of several frames',
            compress: (text: string) =>
              Buffer.concat([zstd()(text.slice(0, 99_999)), zstd('-1')(text.slice(99_999))]),
          },
        ]
      : []),
  ]

  test.each(compressions)('are read whole: $name', async ({ compress }) => {
    const path = join(directory, 'trace')
    await writeFile(path, compress(text))
    const trace = await openTrace(path, { recordsAhead: 1024 })
    let count = 0
    let valueBytes = 0
    const { records } = trace
    for (; ; count++) {
      if (records.length === 0) await trace.fill()
      if (records.length === 0) break
      valueBytes += records.valueBytes[records.first]!
      trace.advance()
    }
    expect(count).toBe(200_000)
    expect(valueBytes).toBe(
      Array.from({ length: 200_000 }, (_, at) => at % 977).reduce((a, b) => a + b),
    )
    expect(trace.account).toMatchObject({ lines: 200_000, malformed: 0, keys: 10_007 })
    expect(trace.position).toBe(trace.size)
    await trace.close()
  })

  test('that are cut off are an error once what there is was played', async () => {
    const path = join(directory, 'cut.gz')
    await writeFile(path, gzipSync(text).subarray(0, -100))
    await expect(openTrace(path)).rejects.toThrow(
      /cut.gz is damaged or cut off: unexpected end of file/,
    )
  })

  test('that are not there', async () => {
    await expect(openTrace(join(directory, 'none'))).rejects.toThrow(
      /cannot open the trace .*none: no such file or directory$/,
    )
    await expect(openTrace(directory)).rejects.toThrow(/illegal operation on a directory$/)
  })

  test('can be closed before they were read', async () => {
    const path = join(directory, 'long')
    await writeFile(path, text.repeat(8))
    const trace = await openTrace(path, { recordsAhead: 16 })
    await trace.close()
    expect(trace.account.lines).toBe(16)
  })
})
