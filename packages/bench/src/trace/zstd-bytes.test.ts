import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cut, ScriptedBytes } from './trace-bytes-fixture.ts'
import { isZstd, ZstdBytes } from './zstd-bytes.ts'

/** `seq 1 100 | zstd -19`. */
const NUMBERS = Buffer.from(
  'KLUv/QRoTQQARlIhCbDrJEmIcFKYdRsAHgAeAL069enSo7ezQz9uvDjx4cKDl5MDv+2anuW4M505w3yyySWTPLLIIVem' +
    'DPLFFldM8cQSR9yYMcTXLVM9tdRRt2YN9dFGF0300EIHXZo00DfbXDPNM8sccwPwu+2um+655Y67N2+4zza7bLLHFjvs' +
    '2rTBvtrqqgB5Zcxq',
  'base64',
)
const NUMBERS_TEXT = Array.from({ length: 100 }, (_, index) => `${index + 1}\n`).join('')

/** `yes 'a key, a size, a value' | head -20000 | zstd`: four blocks, each of which repeats the one before. */
const REPEATED = Buffer.from(
  'KLUv/QRY/AAAuGEga2V5LCBhIHNpemUsIGEgdmFsdWUKAQDN/zWfTUwAAAhhAQD8/zkQAkwAAAgsAQD8/zkQAk0AAAgg' +
    'AQDcBDkQAo3LJ6M=',
  'base64',
)
const REPEATED_TEXT = 'a key, a size, a value\n'.repeat(20_000)

/** A frame of one block that is not compressed, of less than 256 bytes (RFC 8878, 3.1.1). */
function frame(text: string): Buffer {
  const block = Buffer.alloc(3)
  block.writeUIntLE((text.length << 3) | 1, 0, 3)
  return Buffer.concat([
    Buffer.from('28b52ffd20', 'hex'),
    Buffer.from([text.length]),
    block,
    Buffer.from(text),
  ])
}

/** A frame for others, which is to be skipped. */
function skippedFrame(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([Buffer.from('502a4d18', 'hex'), length, Buffer.from(text)])
}

async function decompress(
  bytes: Buffer,
  lengths: readonly number[],
  late = false,
): Promise<string> {
  const compressed = new ScriptedBytes(cut(bytes, lengths), { late })
  const source = new ZstdBytes(compressed, 'a.zst')
  const taken: Uint8Array[] = []
  while (!source.ended) {
    const piece = source.take()
    if (piece === undefined) await source.ready()
    else taken.push(piece)
  }
  expect(source.position).toBe(bytes.length)
  return Buffer.concat(taken).toString()
}

describe('zstd', () => {
  test('is decompressed, wherever it is cut', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1 })
    await fc.assert(
      fc.asyncProperty(lengths, fc.boolean(), async (lengths, late) => {
        expect(await decompress(NUMBERS, lengths, late)).toBe(NUMBERS_TEXT)
        expect((await decompress(REPEATED, lengths, late)) === REPEATED_TEXT).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('of several frames is one text', async () => {
    const frames = Buffer.concat([
      skippedFrame('an index'),
      frame('one, '),
      frame('two, '),
      skippedFrame(''),
      frame('three'),
    ])
    for (let length = 1; length <= frames.length; length++) {
      expect(await decompress(frames, [length])).toBe('one, two, three')
    }
  })

  test('that is cut off or damaged is an error, not a short text', async () => {
    await expect(decompress(NUMBERS.subarray(0, -9), [50])).rejects.toThrow(
      'the trace a.zst is damaged or cut off: unexpected EOF',
    )
    await expect(
      decompress(Buffer.concat([frame('one'), Buffer.from('garbage')]), [99]),
    ).rejects.toThrow('the trace a.zst is damaged or cut off: invalid zstd data')
  })

  test('is known by its first bytes', () => {
    expect(isZstd(NUMBERS)).toBe(true)
    expect(isZstd(skippedFrame(''))).toBe(true)
    expect(isZstd(Buffer.from('0,key,3,4,1,get,0'))).toBe(false)
    expect(isZstd(Buffer.alloc(0))).toBe(false)
  })
})
