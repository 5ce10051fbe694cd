// Decompression of FastLZ blocks (levels 1 and 2), the default of PHP's memcached extension. Every read and every copy
// is checked: the bytes come from a cache that others write to. Knows nothing of PHP.
import { CodecError } from '../../errors.ts'

/** Distances from here on have two more bytes in level 2. */
const NEAR_MAX = 8191
const SHORT_RUN = 6

/** @throws CodecError unless `block` is a block of `size` bytes. */
export function decompressFastLz(block: Uint8Array, size: number): Buffer {
  // A byte of the block makes at most 264 (level 1) or 255 bytes of content, whatever it claims.
  if (size > block.length * 264) throw damaged()
  const output = Buffer.alloc(size)
  const level = block.length === 0 ? 0 : block[0]! >> 5
  if (level > 1) throw damaged()
  let at = 0
  let end = 0
  const next = (): number => {
    if (at >= block.length) throw damaged()
    return block[at++]!
  }
  // The first three bits are the level; a block begins with literal bytes.
  let control = block.length === 0 ? 0 : next() & 31
  while (block.length > 0) {
    if (control < 32) {
      const literals = control + 1
      if (at + literals > block.length || end + literals > size) throw damaged()
      output.set(block.subarray(at, at + literals), end)
      at += literals
      end += literals
    } else {
      let length = (control >> 5) - 1
      let distance = (control & 31) << 8
      if (length === SHORT_RUN) {
        let more = next()
        length += more
        while (level === 1 && more === 255) {
          more = next()
          length += more
        }
      }
      const low = next()
      const isFar = level === 1 && low === 255 && distance === 31 << 8
      distance = isFar ? NEAR_MAX + (next() << 8) + next() : distance + low
      length += 3
      let from = end - distance - 1
      if (from < 0 || end + length > size) throw damaged()
      // Byte by byte, because what is copied may be what is being written.
      for (; length > 0; length--) output[end++] = output[from++]!
    }
    if (at >= block.length) break
    control = next()
  }
  if (end !== size) throw damaged()
  return output
}

function damaged(): CodecError {
  return new CodecError('it is no FastLZ block of the size that it says')
}
