// The format of a snapshot: what its parts are and how a record is written and read. Knows bytes, no items and no
// files. All numbers are little-endian.
//
//   header    magic (20 bytes), version (u32), Unix time it was begun (f64), last CAS unique given (u64)
//   blocks    length of the records (u32), records, CRC-32 of the records (u32)
//   end       length 0 (u32), number of records (u32), 1 if these are not all items there were (u32)
//
// A block has whole records: several of together no more than BLOCK_BYTES, or a single longer one. A record:
//
//   byte 0    key length             u32 at 4   client flags          f64 at 16  Unix time it expires, 0: never
//   byte 1    flags of the item      u32 at 8   value length          u64 at 24  CAS unique
//   byte 2    segment of the LRU     u32 at 12  seconds since its last access
//   byte 3    1: a client chose its CAS unique
//   then      key, value

export const BLOCK_BYTES = 1024 * 1024
export const HEADER_BYTES = 40
export const RECORD_HEADER_BYTES = 32
/** Of a record longer than a block, what is read first: all that stands before the value. */
export const MOST_RECORD_START_BYTES = RECORD_HEADER_BYTES + 255
export const END_BYTES = 12

const MAGIC = Buffer.from('memshard snapshot\n\0\0', 'latin1')
const VERSION = 1

export interface SnapshotHeader {
  readonly unixSeconds: number
  readonly casLow: number
  readonly casHigh: number
}

export interface RecordHeader {
  readonly keyLength: number
  readonly flags: number
  readonly segment: number
  readonly clientFlags: number
  readonly valueLength: number
  readonly idleSeconds: number
  readonly expiresUnixSeconds: number
  readonly casLow: number
  readonly casHigh: number
  readonly hasGivenCas: boolean
}

export function encodeHeader({ unixSeconds, casLow, casHigh }: SnapshotHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt32LE(VERSION, 20)
  bytes.writeDoubleLE(unixSeconds, 24)
  bytes.writeInt32LE(casLow, 32)
  bytes.writeInt32LE(casHigh, 36)
  return bytes
}

/** Whether a file that begins like this is a snapshot, of whichever version. */
export function isSnapshot(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC)
}

/** Undefined for another version, or a file that ends within its header. */
export function decodeHeader(bytes: Buffer): SnapshotHeader | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(20) !== VERSION) return undefined
  return {
    unixSeconds: bytes.readDoubleLE(24),
    casLow: bytes.readInt32LE(32),
    casHigh: bytes.readInt32LE(36),
  }
}

export function encodeRecordHeader(record: RecordHeader, bytes: Buffer, at: number): void {
  bytes.writeUInt8(record.keyLength, at)
  bytes.writeUInt8(record.flags, at + 1)
  bytes.writeUInt8(record.segment, at + 2)
  bytes.writeUInt8(record.hasGivenCas ? 1 : 0, at + 3)
  bytes.writeInt32LE(record.clientFlags, at + 4)
  bytes.writeUInt32LE(record.valueLength, at + 8)
  bytes.writeUInt32LE(record.idleSeconds, at + 12)
  bytes.writeDoubleLE(record.expiresUnixSeconds, at + 16)
  bytes.writeInt32LE(record.casLow, at + 24)
  bytes.writeInt32LE(record.casHigh, at + 28)
}

export function decodeRecordHeader(bytes: Buffer, at: number): RecordHeader {
  return {
    keyLength: bytes.readUInt8(at),
    flags: bytes.readUInt8(at + 1),
    segment: bytes.readUInt8(at + 2),
    clientFlags: bytes.readInt32LE(at + 4),
    valueLength: bytes.readUInt32LE(at + 8),
    idleSeconds: bytes.readUInt32LE(at + 12),
    expiresUnixSeconds: bytes.readDoubleLE(at + 16),
    casLow: bytes.readInt32LE(at + 24),
    casHigh: bytes.readInt32LE(at + 28),
    hasGivenCas: bytes.readUInt8(at + 3) === 1,
  }
}
