// Typed arrays, ArrayBuffer and DataView as bytes, little-endian, and back. A Uint8Array is not among
// them: it is plain bytes. Knows the numbers by which the flags tell the kinds apart, which are stored and never change.
import { endianness } from 'node:os'
import { types } from 'node:util'
import { CodecError } from '../errors.ts'

interface Kind {
  readonly name: string
  readonly elementBytes: 1 | 2 | 4 | 8
  of(buffer: ArrayBuffer): object
}

const KINDS: readonly Kind[] = [
  { name: 'ArrayBuffer', elementBytes: 1, of: (buffer) => buffer },
  { name: 'DataView', elementBytes: 1, of: (buffer) => new DataView(buffer) },
  { name: 'Int8Array', elementBytes: 1, of: (buffer) => new Int8Array(buffer) },
  { name: 'Uint8ClampedArray', elementBytes: 1, of: (buffer) => new Uint8ClampedArray(buffer) },
  { name: 'Int16Array', elementBytes: 2, of: (buffer) => new Int16Array(buffer) },
  { name: 'Uint16Array', elementBytes: 2, of: (buffer) => new Uint16Array(buffer) },
  { name: 'Int32Array', elementBytes: 4, of: (buffer) => new Int32Array(buffer) },
  { name: 'Uint32Array', elementBytes: 4, of: (buffer) => new Uint32Array(buffer) },
  { name: 'Float32Array', elementBytes: 4, of: (buffer) => new Float32Array(buffer) },
  { name: 'Float64Array', elementBytes: 8, of: (buffer) => new Float64Array(buffer) },
  { name: 'BigInt64Array', elementBytes: 8, of: (buffer) => new BigInt64Array(buffer) },
  { name: 'BigUint64Array', elementBytes: 8, of: (buffer) => new BigUint64Array(buffer) },
]
const NUMBERS = new Map(KINDS.map(({ name }, number) => [name, number]))
const IS_BIG_ENDIAN = endianness() === 'BE'

/** The number of the value's kind; undefined when it is none of them. */
export function kindOf(value: object): number | undefined {
  if (!ArrayBuffer.isView(value) && !types.isArrayBuffer(value)) return undefined
  return NUMBERS.get((value as { [Symbol.toStringTag]: string })[Symbol.toStringTag])
}

/** The value's bytes, without a copy where the machine is little-endian. */
export function bytesOf(value: ArrayBufferView | ArrayBuffer, kind: number): Uint8Array {
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
  return IS_BIG_ENDIAN ? swapped(Buffer.from(bytes), KINDS[kind]!.elementBytes) : bytes
}

/** The value that `bytes` were made of, in memory of its own. */
export function arrayOf(bytes: Buffer, number: number): object {
  const kind = KINDS[number]
  if (kind === undefined) throw new CodecError(`a newer client wrote a typed array of this kind`)
  const { name, elementBytes } = kind
  if (bytes.length % elementBytes !== 0) {
    throw new CodecError(`${bytes.length} bytes are no ${name}`)
  }
  // A copy, because elements must lie at multiples of their size.
  const copy = Buffer.from(new ArrayBuffer(bytes.length))
  bytes.copy(copy)
  return kind.of((IS_BIG_ENDIAN ? swapped(copy, elementBytes) : copy).buffer as ArrayBuffer)
}

function swapped(bytes: Buffer, elementBytes: Kind['elementBytes']): Buffer {
  if (elementBytes === 2) return bytes.swap16()
  if (elementBytes === 4) return bytes.swap32()
  return elementBytes === 8 ? bytes.swap64() : bytes
}
