// What the npm package `memcached` sends for a key, and by what it places it. Knows no call and no node.
import { hash } from 'node:crypto'
import { KeyError } from '../errors.ts'
import type { KeyAsSent } from '../wire/key-form.ts'

/** The key's text in it is what is placed, however it is sent. */
export function memcachedKeyForm(maxKeySize: number): (key: string) => KeyAsSent {
  return (key) => ({ sent: sentAs(key, maxKeySize), placedBy: key })
}

/** @throws KeyError when the package would refuse the key. */
export function checkMemcachedKey(key: string, maxKeySize: number, hashes: boolean): void {
  if (key.length > maxKeySize) {
    if (hashes) return
    const reason = `Argument "key" is longer than the maximum allowed length of ${maxKeySize}`
    throw new KeyError(reason, key)
  }
  if (/\s/.test(key)) {
    throw new KeyError('The key should not contain any whitespace or new lines', key)
  }
}

/** Also what it calls the value that it gives. */
export function sentAs(key: string, maxKeySize: number): string {
  if (key.length > maxKeySize) return hash('md5', key, 'hex')
  // It puts a key into its command by `replace`, for which dollars in it have a meaning: `$$` is sent as `$`.
  return key.includes('$') ? key.replace(key, key) : key
}
