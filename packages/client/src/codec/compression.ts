// Compression of bytes off the event loop, by Node's own zlib, bounded in what runs at once and in what
// comes out. Knows nothing of values and flags.
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { ArgumentError, CodecError } from '../errors.ts'
import { Turns } from './turns.ts'
import { zstdContentSize } from './zstd-frame.ts'

/** `zstd` needs Node.js 22.15 or newer. */
export type CompressionAlgorithm = 'deflate' | 'gzip' | 'brotli' | 'zstd'

export interface CompressionOptions {
  readonly algorithm: CompressionAlgorithm
  /** Bytes from which values are compressed. Default 2048. */
  readonly threshold?: number
  /**
   * As the algorithm counts them: deflate and gzip 0 to 9 (default 6), brotli 0 to 11 (default 4), zstd 1
   * to 22 (default 3).
   */
  readonly level?: number
  /**
   * Bytes that an item may have when decompressed; one that has more is a CodecError. Default 64 MiB, also
   * for clients that don't compress.
   */
  readonly maxDecompressedBytes?: number
}

/** The options, checked and complete. */
export type Compression = Required<CompressionOptions>

export const DEFAULT_MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024
const DEFAULT_THRESHOLD_BYTES = 2048

/** What `@types/node` of our oldest Node doesn't have. */
interface Zstd {
  zstdCompress?: typeof zlib.brotliCompress
  zstdDecompress?: typeof zlib.brotliDecompress
  constants: { ZSTD_c_compressionLevel?: number }
}
const { zstdCompress, zstdDecompress, constants } = zlib as Zstd & typeof zlib

export const HAS_ZSTD = zstdCompress !== undefined

interface Method {
  readonly levels: { readonly min: number; readonly max: number; readonly default: number }
  compress(bytes: Uint8Array, level: number): Promise<Buffer>
  readonly decompress: Decompressor
}

/** With the option `info`, which says how much of the input was used. */
type Decompressor = (
  bytes: Uint8Array,
  options: object,
  callback: (error: Error | null, result: unknown) => void,
) => void

const deflate = promisify(zlib.deflate)
const gzip = promisify(zlib.gzip)
const brotli = promisify(zlib.brotliCompress)
const zstd = zstdCompress && promisify(zstdCompress)

const METHODS: Record<CompressionAlgorithm, Method | undefined> = {
  deflate: {
    levels: { min: 0, max: 9, default: 6 },
    compress: (bytes, level) => deflate(bytes, { level }),
    decompress: zlib.inflate as Decompressor,
  },
  gzip: {
    levels: { min: 0, max: 9, default: 6 },
    compress: (bytes, level) => gzip(bytes, { level }),
    decompress: zlib.gunzip as Decompressor,
  },
  brotli: {
    levels: { min: 0, max: 11, default: 4 },
    compress: (bytes, level) =>
      brotli(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: level } }),
    decompress: zlib.brotliDecompress as Decompressor,
  },
  zstd: zstd && {
    levels: { min: 1, max: 22, default: 3 },
    compress: (bytes, level) =>
      zstd(bytes, {
        params: { [constants.ZSTD_c_compressionLevel!]: level },
        pledgedSrcSize: bytes.byteLength,
      } as zlib.BrotliOptions),
    decompress: zstdDecompress as Decompressor,
  },
}

/** As many as libuv has threads for by default; each holds up to a megabyte while it runs. */
const turns = new Turns(4)

/** @throws ArgumentError when an option makes no sense, or this Node has no such algorithm. */
export function compressionOf(options: CompressionOptions): Compression {
  const { algorithm } = options
  if (!Object.hasOwn(METHODS, algorithm)) {
    throw new ArgumentError(
      `compression.algorithm is ${String(algorithm)}: give deflate, gzip, brotli or zstd`,
    )
  }
  const method = METHODS[algorithm]
  if (method === undefined) {
    throw new ArgumentError(
      `compression.algorithm is ${algorithm}, which Node.js has from 22.15 on (this is ${process.version}): take brotli, or a newer Node.js`,
    )
  }
  const { min, max, default: usual } = method.levels
  return {
    algorithm,
    threshold: inRange('threshold', options.threshold ?? DEFAULT_THRESHOLD_BYTES, 0, 2 ** 30),
    level: inRange('level', options.level ?? usual, min, max),
    maxDecompressedBytes: inRange(
      'maxDecompressedBytes',
      options.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES,
      1,
      2 ** 31 - 1,
    ),
  }
}

export function compress(bytes: Uint8Array, compression: Compression): Promise<Buffer> {
  const { algorithm, level } = compression
  return turns.run(() => METHODS[algorithm]!.compress(bytes, level))
}

/** @throws CodecError when `bytes` are not exactly what `compress` gave, or are of more than `maxBytes`. */
export async function decompress(
  bytes: Uint8Array,
  algorithm: CompressionAlgorithm,
  maxBytes: number,
): Promise<Buffer> {
  const method = METHODS[algorithm]
  if (method === undefined) {
    throw new CodecError(
      `it is compressed with ${algorithm}, which Node.js has from 22.15 on (this is ${process.version})`,
    )
  }
  const { buffer, used } = await turns.run(() => inflated(method, bytes, maxBytes))
  if (used !== bytes.length) {
    throw new CodecError(
      `${bytes.length - used} bytes follow what is compressed: was it appended to?`,
    )
  }
  if (algorithm === 'zstd' && (zstdContentSize(bytes) ?? buffer.length) !== buffer.length) {
    throw new CodecError('it cannot be decompressed: a part is missing')
  }
  return buffer
}

function inflated(
  { decompress }: Method,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<{ buffer: Buffer; used: number }> {
  return new Promise((resolve, reject) => {
    decompress(bytes, { info: true, maxOutputLength: maxBytes }, (error, result) => {
      if (error === null) {
        const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
        resolve({ buffer, used: engine.bytesWritten })
        return
      }
      const { code } = error as NodeJS.ErrnoException
      const reason =
        code === 'ERR_BUFFER_TOO_LARGE'
          ? `it is more than ${maxBytes} bytes when decompressed: see compression.maxDecompressedBytes`
          : `it cannot be decompressed: ${error.message}`
      reject(new CodecError(reason, { cause: error }))
    })
  })
}

function inRange(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new ArgumentError(
    `compression.${name} is ${String(value)}: give a whole number from ${min} to ${max}`,
  )
}
