// What is sent after an input to see that it has left nobody stuck: so much of it that whatever was begun has come to
// its end. Knows how messages are framed, on neither side what they mean.
import { PACKET_HEADER_BYTES } from './vocabulary.ts'

/** What is declared as longer may be waited for. */
const MAX_DECLARED_BYTES = 0xffff
/** A key of the most bytes, a value of the most, and a body that is skipped once more. */
const FOLLOWING_BYTES = 4 * MAX_DECLARED_BYTES
const PIECE_BYTES = 2 * 1024

/** Further bytes, in pieces: lines with this text, or zeros, which end a packet and begin none. */
export function* goingOn(line: string | undefined): Generator<Buffer> {
  const text = line === undefined ? '\0' : `${line}\r\n`
  for (let sent = 0; sent < FOLLOWING_BYTES; sent += PIECE_BYTES) {
    yield Buffer.from(text.repeat(PIECE_BYTES / text.length), 'latin1')
  }
}

/** Whether the lines announce more than is sent on: then nobody is stuck who waits. */
export function linesMayWait(input: Uint8Array): boolean {
  return /\d{5}/.test(Buffer.from(input).toString('latin1'))
}

/** The same of packets, wherever in the input one may begin. `magic`: what each begins with. */
export function packetsMayWait(input: Uint8Array, magic: number): boolean {
  const bytes = Buffer.concat([input, new Uint8Array(PACKET_HEADER_BYTES)])
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    if (bytes.readUInt32BE(at + 8) > MAX_DECLARED_BYTES) return true
  }
  return false
}
