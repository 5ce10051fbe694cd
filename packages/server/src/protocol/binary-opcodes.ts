// The opcodes of the binary protocol. Those of its range operations (0x30 to 0x3c), and of everything
// else that memcached has never had, stand here as little as there.

export const GET = 0x00
export const SET = 0x01
export const ADD = 0x02
export const REPLACE = 0x03
export const DELETE = 0x04
export const INCREMENT = 0x05
export const DECREMENT = 0x06
export const QUIT = 0x07
export const FLUSH = 0x08
const GETQ = 0x09
export const NOOP = 0x0a
export const VERSION = 0x0b
export const GETK = 0x0c
const GETKQ = 0x0d
export const APPEND = 0x0e
export const PREPEND = 0x0f
export const STAT = 0x10
const SETQ = 0x11
const ADDQ = 0x12
const REPLACEQ = 0x13
const DELETEQ = 0x14
const INCREMENTQ = 0x15
const DECREMENTQ = 0x16
const QUITQ = 0x17
const FLUSHQ = 0x18
const APPENDQ = 0x19
const PREPENDQ = 0x1a
export const TOUCH = 0x1c
export const GAT = 0x1d
const GATQ = 0x1e
export const SASL_LIST_MECHANISMS = 0x20
export const SASL_AUTHENTICATE = 0x21
export const SASL_STEP = 0x22
export const GATK = 0x23
const GATKQ = 0x24

/** The command behind each opcode: that of a quiet one is its loud twin. */
export const LOUD = Uint8Array.from({ length: 256 }, (_, opcode) => opcode)
for (const [quiet, loud] of [
  [GETQ, GET],
  [GETKQ, GETK],
  [SETQ, SET],
  [ADDQ, ADD],
  [REPLACEQ, REPLACE],
  [DELETEQ, DELETE],
  [INCREMENTQ, INCREMENT],
  [DECREMENTQ, DECREMENT],
  [QUITQ, QUIT],
  [FLUSHQ, FLUSH],
  [APPENDQ, APPEND],
  [PREPENDQ, PREPEND],
  [GATQ, GAT],
  [GATKQ, GATK],
] as const) {
  LOUD[quiet] = loud
}
