// The packets of memcached's binary protocol, as the proxy reads and writes them: opcodes, statuses, layout
// (memcached's doc/protocol_binary.txt). Knows no command's meaning.

export const REQUEST_MAGIC = 0x80
const RESPONSE_MAGIC = 0x81
export const HEADER_BYTES = 24

export const Opcode = {
  get: 0x00,
  set: 0x01,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  increment: 0x05,
  decrement: 0x06,
  quit: 0x07,
  flush: 0x08,
  noop: 0x0a,
  version: 0x0b,
  getk: 0x0c,
  append: 0x0e,
  prepend: 0x0f,
  stat: 0x10,
  touch: 0x1c,
  gat: 0x1d,
  gatk: 0x23,
} as const

/** Of the login, if clients have to; otherwise none is known. */
export const SaslOpcode = { listMechanisms: 0x20, authenticate: 0x21, step: 0x22 } as const

/** The quiet opcodes, each with its loud twin. */
const QUIET: ReadonlyMap<number, number> = new Map([
  [0x09, Opcode.get],
  [0x0d, Opcode.getk],
  [0x11, Opcode.set],
  [0x12, Opcode.add],
  [0x13, Opcode.replace],
  [0x14, Opcode.delete],
  [0x15, Opcode.increment],
  [0x16, Opcode.decrement],
  [0x17, Opcode.quit],
  [0x18, Opcode.flush],
  [0x19, Opcode.append],
  [0x1a, Opcode.prepend],
  [0x1e, Opcode.gat],
  [0x24, Opcode.gatk],
])

/** The opcode of the command, quiet or not. */
export function loudOf(opcode: number): number {
  return QUIET.get(opcode) ?? opcode
}

export const PacketStatus = {
  success: 0x00,
  keyNotFound: 0x01,
  keyExists: 0x02,
  tooLarge: 0x03,
  invalidArguments: 0x04,
  notStored: 0x05,
  notANumber: 0x06,
  authenticationFailed: 0x20,
  continue: 0x21,
  unknownCommand: 0x81,
  outOfMemory: 0x82,
  temporaryFailure: 0x86,
} as const

const TEXTS: ReadonlyMap<number, string> = new Map([
  [PacketStatus.keyNotFound, 'Not found'],
  [PacketStatus.keyExists, 'Data exists for key.'],
  [PacketStatus.tooLarge, 'Too large.'],
  [PacketStatus.invalidArguments, 'Invalid arguments'],
  [PacketStatus.notStored, 'Not stored.'],
  [PacketStatus.notANumber, 'Non-numeric server-side value for incr or decr'],
  [PacketStatus.authenticationFailed, 'Auth failure.'],
  [PacketStatus.unknownCommand, 'Unknown command'],
  [PacketStatus.outOfMemory, 'Out of memory allocating item'],
])

export interface Packet {
  readonly opcode: number
  readonly opaque: number
  readonly status?: number
  readonly cas?: bigint
  readonly extras?: Buffer
  /** In Latin-1, as the value when that is text. */
  readonly key?: string
  readonly value?: Buffer | string
}

/** The bytes of an answer. An error without a value has the words that memcached has for it. */
export function packetOf(packet: Packet): Buffer {
  const { status = PacketStatus.success, key = '', extras } = packet
  const value = packet.value ?? (key === '' ? (TEXTS.get(status) ?? '') : '')
  const extrasBytes = extras?.length ?? 0
  const bodyBytes = extrasBytes + key.length + value.length
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + bodyBytes)
  bytes[0] = RESPONSE_MAGIC
  bytes[1] = packet.opcode
  bytes.writeUInt16BE(key.length, 2)
  bytes[4] = extrasBytes
  bytes[5] = 0
  bytes.writeUInt16BE(status, 6)
  bytes.writeUInt32BE(bodyBytes, 8)
  bytes.writeUInt32BE(packet.opaque, 12)
  bytes.writeBigUInt64BE(packet.cas ?? 0n, 16)
  extras?.copy(bytes, HEADER_BYTES)
  bytes.write(key, HEADER_BYTES + extrasBytes, 'latin1')
  const valueAt = HEADER_BYTES + extrasBytes + key.length
  if (typeof value === 'string') bytes.write(value, valueAt, 'latin1')
  else value.copy(bytes, valueAt)
  return bytes
}
