// The numbers of the binary protocol, as memcached's protocol-binary.txt has them. Knows nothing else.

export const HEADER_BYTES = 24

export const Magic = { request: 0x80, response: 0x81 } as const

export const Opcode = {
  get: 0x00,
  set: 0x01,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  incr: 0x05,
  decr: 0x06,
  flush: 0x08,
  version: 0x0b,
  append: 0x0e,
  prepend: 0x0f,
  stat: 0x10,
  touch: 0x1c,
  getAndTouch: 0x1d,
  login: 0x21,
} as const

export const Outcome = {
  done: 0x00,
  notFound: 0x01,
  exists: 0x02,
  notStored: 0x05,
  loginRefused: 0x20,
  loginUnfinished: 0x21,
  unknownCommand: 0x81,
} as const
