// The client's commands as packets of the binary protocol, for nodes that speak nothing else. What only
// the meta protocol can say has no packet. Knows the layout of requests, no socket and no answer.
import { HEADER_BYTES, Magic, Opcode } from './binary-layout.ts'
import type { Command } from './command.ts'
import type { CommandWriter } from './command-writer.ts'
import { BINARY_KEY } from './key.ts'

/** What stands between a packet's header and its key. */
type Extras = 'none' | 'expiry' | 'flags and expiry' | 'amount, initial and expiry'

/** By the operation's name. */
const PACKETS: ReadonlyMap<string, readonly [opcode: number, extras: Extras]> = new Map([
  ['get', [Opcode.get, 'none']],
  ['gets', [Opcode.get, 'none']],
  ['getAndTouch', [Opcode.getAndTouch, 'expiry']],
  ['touch', [Opcode.touch, 'expiry']],
  ['set', [Opcode.set, 'flags and expiry']],
  ['add', [Opcode.add, 'flags and expiry']],
  ['replace', [Opcode.replace, 'flags and expiry']],
  ['cas', [Opcode.set, 'flags and expiry']],
  ['append', [Opcode.append, 'none']],
  ['prepend', [Opcode.prepend, 'none']],
  ['delete', [Opcode.delete, 'none']],
  ['incr', [Opcode.incr, 'amount, initial and expiry']],
  ['decr', [Opcode.decr, 'amount, initial and expiry']],
  ['flush', [Opcode.flush, 'expiry']],
  ['stats', [Opcode.stat, 'none']],
  ['version', [Opcode.version, 'none']],
])
const EXTRAS_BYTES = {
  none: 0,
  expiry: 4,
  'flags and expiry': 8,
  'amount, initial and expiry': 20,
} as const
const EXTRAS_MAX_BYTES = 20

/** As an expiry of `incr` and `decr`: a missing counter stays missing. */
const NEVER_CREATE = 0xffffffff
/** The first moment that is a Unix time and not a number of seconds: long ago. Here -1 would be a distant future. */
const EXPIRED = 30 * 24 * 60 * 60 + 1

/** Whether the binary protocol can say this. */
export function hasPacket(command: Command): boolean {
  const { name } = command.operation
  return PACKETS.has(name) && (command.metaFlags === '' || versionOf(command) !== 0n)
}

// Filled anew for each command.
const head = Buffer.alloc(HEADER_BYTES + EXTRAS_MAX_BYTES)

/** Writes a command that `hasPacket`. */
export function writePacket(command: Command, writer: CommandWriter): void {
  const { operation, data } = command
  const [opcode, extras] = PACKETS.get(operation.name)!
  const extrasBytes = EXTRAS_BYTES[extras]
  const dataBytes = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
  // The kind of statistics stands in the key's place.
  const isStat = opcode === Opcode.stat
  const binaryKey = command.keyBytes === BINARY_KEY && Buffer.from(command.key, 'base64')
  const keyBytes = isStat ? dataBytes : binaryKey ? binaryKey.length : command.keyBytes
  const valueBytes = isStat ? 0 : dataBytes
  head.writeUInt8(Magic.request, 0)
  head.writeUInt8(opcode, 1)
  head.writeUInt16BE(keyBytes, 2)
  head.writeUInt8(extrasBytes, 4)
  head.writeUInt32BE(extrasBytes + keyBytes + valueBytes, 8)
  head.writeBigUInt64BE(versionOf(command), 16)
  writeExtras(command, extras)
  writer.command('')
  writer.bytes(head, HEADER_BYTES + extrasBytes)
  if (binaryKey) writer.bytes(binaryKey, keyBytes)
  else writer.text(isStat ? String(data) : command.key, keyBytes)
  if (valueBytes > 0) writer.payload(data, valueBytes)
}

function writeExtras({ operand, initial, flags, ttl }: Command, extras: Extras): void {
  const expiry = ttl === undefined ? 0 : ttl < 0 ? EXPIRED : ttl
  switch (extras) {
    case 'expiry':
      head.writeUInt32BE(expiry, HEADER_BYTES)
      break
    case 'flags and expiry':
      head.writeUInt32BE(flags, HEADER_BYTES)
      head.writeUInt32BE(expiry, HEADER_BYTES + 4)
      break
    case 'amount, initial and expiry':
      head.writeBigUInt64BE(BigInt(operand), HEADER_BYTES)
      head.writeBigUInt64BE(BigInt(initial ?? 0), HEADER_BYTES + 8)
      head.writeUInt32BE(initial === undefined ? NEVER_CREATE : expiry, HEADER_BYTES + 16)
      break
  }
}

/** The version that the item must have; 0: any. */
function versionOf({ operation, operand, metaFlags }: Command): bigint {
  if (operation.name === 'cas') return BigInt(operand)
  const [, version = '0'] = /^C(\d+)$/.exec(metaFlags) ?? []
  return operation.name === 'delete' ? BigInt(version) : 0n
}

/** The login by SASL's PLAIN. */
export function loginPacket(username: string, password: string): Buffer {
  const mechanism = Buffer.from('PLAIN')
  const token = Buffer.from(`\0${username}\0${password}`)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(Magic.request, 0)
  header.writeUInt8(Opcode.login, 1)
  header.writeUInt16BE(mechanism.length, 2)
  header.writeUInt32BE(mechanism.length + token.length, 8)
  return Buffer.concat([header, mechanism, token])
}
