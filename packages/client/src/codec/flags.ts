// What our codecs write into an item's client flags: a mark in the top byte, by which our items are told
// from those of other clients, the compression in bits 20 to 23, and the type in bits 16 to 19. The low half, where
// clients of other languages have their marks, stays 0. A plain string has flags 0, as in every client.

const MARK = 0x5a000000
/** Typed arrays, whose element type is in bits 16 to 19. */
const ARRAY_MARK = 0x5b000000
const MARK_MASK = 0xff000000

/** The bits that say how an item is compressed; 0: not. */
export const COMPRESSION_MASK = 0x00f00000

export const Flags = {
  text: 0,
  bytes: MARK + 0x10000,
  number: MARK + 0x20000,
  bigint: MARK + 0x30000,
  json: MARK + 0x40000,
  v8: MARK + 0x50000,
  msgpack: MARK + 0x60000,
} as const

/** The flags of a typed array of the kind with this number, 0 to 15. */
export function arrayFlags(kind: number): number {
  return ARRAY_MARK + kind * 0x10000
}

/** The number of the kind of typed array that the flags say; undefined when they say none. */
export function arrayKind(flags: number): number | undefined {
  return isMarked(flags, ARRAY_MARK) ? (flags >>> 16) & 0xf : undefined
}

/** The flags of the same type, compressed as `code` (1 to 15) says. Of a string they have our mark, too. */
export function compressedFlags(flags: number, code: number): number {
  return (flags === Flags.text ? MARK : flags) + code * 0x100000
}

/** How an item of ours is compressed; 0: it isn't, or isn't ours. */
export function compressionCode(flags: number): number {
  const ours = isMarked(flags, MARK) || isMarked(flags, ARRAY_MARK)
  return ours ? (flags & COMPRESSION_MASK) >>> 20 : 0
}

/** The flags without the compression in them. */
export function plainFlags(flags: number): number {
  const plain = (flags & ~COMPRESSION_MASK) >>> 0
  return plain === MARK ? Flags.text : plain
}

function isMarked(flags: number, mark: number): boolean {
  return (flags & MARK_MASK) === mark && (flags & 0xffff) === 0
}
