// The hash that places a key on the continuum: MD5's first word, as libmemcached takes it.
// Knows nothing of points or nodes, and keeps no cache: hashing costs less than a safe look-up would.
import { firstWordOfMd5, MD5_INPUT_MAX } from './md5.ts'

const bytes = Buffer.alloc(MD5_INPUT_MAX)

/** `key` as UTF-8, of at most 1,015 bytes (memcached takes 250). */
export function keyHash(key: string): number {
  const length = key.length
  for (let i = 0; i < length; i++) {
    const code = key.charCodeAt(i)
    if (code > 0x7f) return firstWordOfMd5(bytes, bytes.write(key))
    bytes[i] = code
  }
  return firstWordOfMd5(bytes, length)
}
