// For tests only: builds requests of the binary protocol and reads the answers. Written from memcached's
// doc/protocol_binary.txt and not from the code that it tests.

export interface Packet {
  readonly opcode: number
  readonly key?: string | undefined
  readonly extras?: Uint8Array
  readonly value?: string
  readonly cas?: bigint
  readonly opaque?: number
  // What the header says in place of the truth.
  readonly magic?: number
  readonly keyLength?: number
  readonly extrasLength?: number
  readonly bodyLength?: number
}

export interface Answer {
  readonly opcode: number
  readonly status: number
  readonly opaque: number
  readonly cas: bigint
  readonly extras: Buffer
  readonly key: string
  readonly value: string
}

const HEADER_BYTES = 24

/** A request's bytes. */
export function packet(request: Packet): Buffer {
  const key = Buffer.from(request.key ?? '', 'latin1')
  const extras = request.extras ?? Buffer.alloc(0)
  const value = Buffer.from(request.value ?? '', 'latin1')
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(request.magic ?? 0x80, 0)
  header.writeUInt8(request.opcode, 1)
  header.writeUInt16BE(request.keyLength ?? key.length, 2)
  header.writeUInt8(request.extrasLength ?? extras.length, 4)
  header.writeUInt32BE(request.bodyLength ?? extras.length + key.length + value.length, 8)
  header.writeUInt32BE(request.opaque ?? 0, 12)
  header.writeBigUInt64BE(request.cas ?? 0n, 16)
  return Buffer.concat([header, extras, key, value])
}

/** 32-bit numbers, as extras hold them. */
export function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, i) => {
    bytes.writeUInt32BE(number, 4 * i)
  })
  return bytes
}

/** The extras of incr and decr. */
export function deltaExtras(delta: bigint, initial: bigint, expiry: number): Buffer {
  const bytes = Buffer.alloc(20)
  bytes.writeBigUInt64BE(delta, 0)
  bytes.writeBigUInt64BE(initial, 8)
  bytes.writeUInt32BE(expiry, 16)
  return bytes
}

/** The answers that make up these bytes. @throws Error if they are not whole answers. */
export function readAnswers(bytes: Buffer): Answer[] {
  const answers: Answer[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== 0x81 || bytes.length - at < HEADER_BYTES) throw new Error('not an answer')
    const extrasAt = at + HEADER_BYTES
    const keyAt = extrasAt + bytes.readUInt8(at + 4)
    const valueAt = keyAt + bytes.readUInt16BE(at + 2)
    const end = extrasAt + bytes.readUInt32BE(at + 8)
    if (end > bytes.length || valueAt > end) throw new Error('not a whole answer')
    answers.push({
      opcode: bytes.readUInt8(at + 1),
      status: bytes.readUInt16BE(at + 6),
      opaque: bytes.readUInt32BE(at + 12),
      cas: bytes.readBigUInt64BE(at + 16),
      extras: bytes.subarray(extrasAt, keyAt),
      key: bytes.toString('latin1', keyAt, valueAt),
      value: bytes.toString('latin1', valueAt, end),
    })
    at = end
  }
  return answers
}
