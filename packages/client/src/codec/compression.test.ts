import { describe, expect, test } from 'vitest'
import { ArgumentError, CodecError } from '../errors.ts'
import { rawValueOf } from './codec.ts'
import { type CompressionOptions, compressionOf, HAS_ZSTD } from './compression.ts'
import { valueCodec } from './value-codec.ts'

function compressing(options: CompressionOptions) {
  return valueCodec.compressing(compressionOf(options))
}

const TEXT = 'hello memcached '.repeat(500)

describe.each(['deflate', 'gzip', 'brotli', 'zstd'] as const)('%s', (algorithm) => {
  test.skipIf(algorithm === 'zstd' && !HAS_ZSTD)(
    'what it wrote is read by a codec that knows of no compression',
    async () => {
      const { data, flags } = await compressing({ algorithm }).encode(TEXT)
      expect(data.length).toBeLessThan(TEXT.length / 10)
      expect(await valueCodec.decode(rawValueOf(data as Buffer), flags)).toBe(TEXT)
    },
  )

  test.skipIf(algorithm === 'zstd' && !HAS_ZSTD)(
    'what is damaged, cut, appended to or a bomb is a CodecError',
    async () => {
      const { data, flags } = await compressing({ algorithm }).encode(TEXT)
      const bytes = data as Buffer
      const small = compressing({ algorithm, maxDecompressedBytes: TEXT.length - 1 })
      const decode = async (bytes: Buffer) => valueCodec.decode(rawValueOf(bytes), flags)
      await expect(decode(Buffer.concat([bytes, Buffer.from('!')]))).rejects.toThrow(CodecError)
      await expect(decode(bytes.subarray(0, -3))).rejects.toThrow(CodecError)
      await expect(decode(Buffer.concat([Buffer.from('!'), bytes]))).rejects.toThrow(CodecError)
      await expect(decode(Buffer.alloc(0))).rejects.toThrow(CodecError)
      await expect(small.decode(rawValueOf(bytes), flags)).rejects.toThrow(
        `more than ${TEXT.length - 1} bytes`,
      )
    },
  )
})

describe('compression', () => {
  test('leaves alone, at once, what is below the threshold or counted on', () => {
    const codec = compressing({ algorithm: 'deflate', threshold: 100 })
    for (const value of ['x'.repeat(99), { a: 1 }, 10n ** 200n, 1e300]) {
      expect(codec.encode(value)).toEqual(valueCodec.encode(value))
    }
  })

  test('leaves alone what does not get smaller', async () => {
    const noise = Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 101 + 7) % 256))
    const codec = compressing({ algorithm: 'gzip', threshold: 1 })
    expect(await codec.encode(noise)).toEqual(valueCodec.encode(noise))
  })

  test.each<[object, string]>([
    [{ algorithm: 'lzma' }, 'deflate, gzip, brotli or zstd'],
    [{ algorithm: 'toString' }, 'deflate, gzip, brotli or zstd'],
    [{ algorithm: 'gzip', level: 10 }, 'from 0 to 9'],
    [{ algorithm: 'brotli', level: 1.5 }, 'from 0 to 11'],
    [{ algorithm: 'deflate', threshold: -1 }, 'threshold'],
    [{ algorithm: 'deflate', maxDecompressedBytes: 0 }, 'maxDecompressedBytes'],
  ])('refuses %j', (options, words) => {
    const check = () => compressionOf(options as CompressionOptions)
    expect(check).toThrow(ArgumentError)
    expect(check).toThrow(words)
  })

  test.skipIf(HAS_ZSTD)('says which Node has zstd', () => {
    expect(() => compressionOf({ algorithm: 'zstd' })).toThrow(/22\.15/)
  })
})
