// A request of the binary protocol (memcached's doc/protocol_binary.txt): what its header says and where its
// parts lie. Knows the layout and which parts a command has; nothing of what it does.
import type { ItemRef, Items } from '../cache/item.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import * as opcode from './binary-opcodes.ts'

export const REQUEST_MAGIC = 0x80
export const HEADER_BYTES = 24

// Where the header's fields lie; what is left out (data type, reserved) nobody looks at.
const OPCODE_AT = 1
export const KEY_LENGTH_AT = 2
export const EXTRAS_LENGTH_AT = 4
export const BODY_LENGTH_AT = 8
const OPAQUE_AT = 12
export const CAS_AT = 16

/** The request under way; one per thread, reused. Its words are signed, which V8 keeps unboxed. */
export class BinaryRequest {
  opcode = 0
  /** The opcode, or its loud twin. */
  command = 0
  keyLength = 0
  extrasLength = 0
  bodyLength = 0
  opaque = 0
  casLow = 0
  casHigh = 0
  block: MemoryBlock
  at = 0

  constructor(block: MemoryBlock) {
    this.block = block
  }

  /** Reads the header that lies at `at`, complete. */
  read(block: MemoryBlock, at: number): void {
    const { view } = block
    this.block = block
    this.at = at
    this.opcode = view.getUint8(at + OPCODE_AT)
    this.command = opcode.LOUD[this.opcode]
    this.keyLength = view.getUint16(at + KEY_LENGTH_AT)
    this.extrasLength = view.getUint8(at + EXTRAS_LENGTH_AT)
    this.bodyLength = view.getInt32(at + BODY_LENGTH_AT)
    this.opaque = view.getInt32(at + OPAQUE_AT)
    this.casHigh = view.getInt32(at + CAS_AT)
    this.casLow = view.getInt32(at + CAS_AT + 4)
  }

  /** Nothing is answered but what the client must know: hits and errors. */
  get quiet(): boolean {
    return this.opcode !== this.command
  }

  get extrasAt(): number {
    return this.at + HEADER_BYTES
  }

  get keyAt(): number {
    return this.at + HEADER_BYTES + this.extrasLength
  }

  get keyEnd(): number {
    return this.keyAt + this.keyLength
  }

  /** What of the body follows the key; negative beyond 2 GiB. */
  get valueLength(): number {
    return (this.bodyLength - this.extrasLength - this.keyLength) | 0
  }

  get givesCas(): boolean {
    return this.casLow !== 0 || this.casHigh !== 0
  }

  /** Whether the item may be changed: it is the one the client knows, or the client doesn't mind. */
  allows(items: Items, item: ItemRef): boolean {
    return (
      !this.givesCas || (items.casLow(item) === this.casLow && items.casHigh(item) === this.casHigh)
    )
  }

  /** A 32-bit field of the extras, signed: V8 makes no object of such a number. */
  extra(offset: number): number {
    return this.block.view.getInt32(this.extrasAt + offset)
  }

  /** Whether the body is long enough for the extras and the key that the header announces. */
  get fits(): boolean {
    return this.bodyLength < 0 || this.extrasLength + this.keyLength <= this.bodyLength
  }

  /** Whether the parts are those that the command has; an unknown command may have any. */
  get wellFormed(): boolean {
    const { extrasLength } = this
    const keyed = this.keyLength > 0
    const ends = this.valueLength === 0
    switch (this.command) {
      case opcode.GET:
      case opcode.GETK:
      case opcode.DELETE:
        return extrasLength === 0 && keyed && ends
      case opcode.SET:
      case opcode.ADD:
      case opcode.REPLACE:
        return extrasLength === 8 && keyed
      case opcode.APPEND:
      case opcode.PREPEND:
      case opcode.SASL_AUTHENTICATE:
      case opcode.SASL_STEP:
        return extrasLength === 0 && keyed
      case opcode.INCREMENT:
      case opcode.DECREMENT:
        return extrasLength === 20 && keyed && ends
      case opcode.TOUCH:
      case opcode.GAT:
      case opcode.GATK:
        return extrasLength === 4 && keyed
      case opcode.FLUSH:
        return (extrasLength === 0 || extrasLength === 4) && !keyed && ends
      case opcode.STAT:
        return extrasLength === 0
      case opcode.NOOP:
      case opcode.VERSION:
      case opcode.QUIT:
      case opcode.SASL_LIST_MECHANISMS:
        return extrasLength === 0 && !keyed && ends
      default:
        return true
    }
  }
}
