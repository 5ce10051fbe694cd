// What memcached takes as a key. Checked before anything is written, because a space or a line break
// in a key would be a command of its own. Knows nothing of routing.
import { KeyError } from '../errors.ts'

/** In bytes of UTF-8. */
export const KEY_MAX_BYTES = 250

/** Stands for the length of a binary key, which is sent as base64 and said to be that by the flag `b`. */
export const BINARY_KEY = -1

/**
 * Returns the length of `key` in bytes of UTF-8, which is `key.length` exactly when it is ASCII.
 * @throws KeyError when it is empty, longer than 250 bytes, or has a space or control character.
 */
export function keyByteLength(key: string): number {
  if (typeof key !== 'string') {
    throw new KeyError(`a key must be a string, not ${typeof key}`, undefined)
  }
  const length = key.length
  if (length === 0) throw new KeyError('the key is empty: memcached needs 1 to 250 bytes', key)
  let ascii = true
  for (let i = 0; i < length; i++) {
    const code = key.charCodeAt(i)
    if (code <= 0x20 || code === 0x7f) throw forbidden(key, code)
    if (code > 0x7f) ascii = false
  }
  const bytes = ascii ? length : Buffer.byteLength(key)
  if (bytes > KEY_MAX_BYTES) {
    throw new KeyError(
      `the key is ${bytes} bytes long and memcached takes ${KEY_MAX_BYTES}: shorten or hash it`,
      key,
    )
  }
  // A lone surrogate has no UTF-8: every one would become U+FFFD, and different keys the same.
  if (!ascii && !key.isWellFormed()) {
    throw new KeyError('the key has a lone surrogate, which has no UTF-8 form', key)
  }
  return bytes
}

function forbidden(key: string, code: number): KeyError {
  const name = code === 0x20 ? 'a space' : `the control character 0x${code.toString(16)}`
  return new KeyError(`the key ${JSON.stringify(key)} has ${name}: encode or hash it`, key)
}
