// The binary protocol as memcached's doc/protocol_binary.txt defines it: bytes of requests, and answers read
// from bytes. Knows the layout and nothing of what the commands do.

export const OPCODES = {
  get: 0x00,
  set: 0x01,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  incr: 0x05,
  decr: 0x06,
  quit: 0x07,
  flush: 0x08,
  getq: 0x09,
  noop: 0x0a,
  version: 0x0b,
  getk: 0x0c,
  getkq: 0x0d,
  append: 0x0e,
  prepend: 0x0f,
  stat: 0x10,
  setq: 0x11,
  addq: 0x12,
  replaceq: 0x13,
  deleteq: 0x14,
  incrq: 0x15,
  decrq: 0x16,
  quitq: 0x17,
  flushq: 0x18,
  appendq: 0x19,
  prependq: 0x1a,
  verbosity: 0x1b,
  touch: 0x1c,
  gat: 0x1d,
  gatq: 0x1e,
  saslListMechanisms: 0x20,
  saslAuthenticate: 0x21,
  saslStep: 0x22,
  gatk: 0x23,
  gatkq: 0x24,
  rget: 0x30,
  rdecrq: 0x3c,
} as const

export type Opcode = keyof typeof OPCODES

export interface PacketFields {
  readonly key?: string
  readonly extras?: Uint8Array
  readonly value?: string
  readonly cas?: bigint
  readonly opaque?: number
  // What the header says in place of the truth.
  readonly magic?: number
  readonly opcode?: number
  readonly keyLength?: number
  readonly extrasLength?: number
  readonly bodyLength?: number
}

export interface Answer {
  readonly opcode: number
  readonly status: number
  readonly dataType: number
  readonly opaque: number
  readonly cas: bigint
  readonly extras: Buffer
  readonly key: string
  readonly value: string
}

const HEADER_BYTES = 24

export function packet(name: Opcode, fields: PacketFields = {}): Buffer {
  const key = Buffer.from(fields.key ?? '', 'latin1')
  const extras = fields.extras ?? Buffer.alloc(0)
  const value = Buffer.from(fields.value ?? '', 'latin1')
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(fields.magic ?? 0x80, 0)
  header.writeUInt8(fields.opcode ?? OPCODES[name], 1)
  header.writeUInt16BE(fields.keyLength ?? key.length, 2)
  header.writeUInt8(fields.extrasLength ?? extras.length, 4)
  header.writeUInt32BE(fields.bodyLength ?? extras.length + key.length + value.length, 8)
  header.writeUInt32BE(fields.opaque ?? 0, 12)
  header.writeBigUInt64BE(fields.cas ?? 0n, 16)
  return Buffer.concat([header, extras, key, value])
}

/** 32-bit numbers, as extras hold them. */
export function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * i)
  return bytes
}

/** A 64-bit number: a part of incr's extras, and its answer. */
export function longWord(number: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(number)
  return bytes
}

/** The whole answers at the beginning of the bytes, and what follows them. @throws Error at anything else. */
export function readAnswers(bytes: Buffer): { readonly answers: Answer[]; readonly rest: Buffer } {
  const answers: Answer[] = []
  let at = 0
  while (bytes.length - at >= HEADER_BYTES) {
    if (bytes[at] !== 0x81)
      throw new Error(`not an answer: ${bytes.toString('latin1', at, at + 80)}`)
    const extrasAt = at + HEADER_BYTES
    const keyAt = extrasAt + bytes.readUInt8(at + 4)
    const valueAt = keyAt + bytes.readUInt16BE(at + 2)
    const end = extrasAt + bytes.readUInt32BE(at + 8)
    if (valueAt > end) throw new Error('an answer with a body shorter than its parts')
    if (end > bytes.length) break
    answers.push({
      opcode: bytes.readUInt8(at + 1),
      dataType: bytes.readUInt8(at + 5),
      status: bytes.readUInt16BE(at + 6),
      opaque: bytes.readUInt32BE(at + 12),
      cas: bytes.readBigUInt64BE(at + 16),
      extras: bytes.subarray(extrasAt, keyAt),
      key: bytes.toString('latin1', keyAt, valueAt),
      value: bytes.toString('latin1', valueAt, end),
    })
    at = end
  }
  return { answers, rest: bytes.subarray(at) }
}
