// How the keys of callers become keys of memcached: with a namespace in front, long ones hashed, bytes as text or
// as base64. What comes out is checked like any other key, by keyByteLength. Knows no call and no node.
import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { ArgumentError, KeyError } from '../errors.ts'
import { KEY_MAX_BYTES, keyByteLength } from './key.ts'

/** Text, or any bytes. Bytes that are a valid text are the same key as the text. */
export type Key = string | Uint8Array

export interface KeyOptions {
  /** Put in front of every key; at most 179 bytes. Default: none. */
  readonly namespace?: string
  /**
   * Whether the namespace counts when a key's node is chosen. `false`: as libmemcached's (pylibmc's, PHP's) prefix
   * keys, which are left out. Default true.
   */
  readonly routeByNamespace?: boolean
  /**
   * What becomes of keys of more than 250 bytes, the namespace included. `hash`: they are sent as the namespace
   * and `sha256:` and 64 hexadecimal digits. Default `error`: a KeyError.
   */
  readonly longKeys?: 'error' | 'hash'
  /**
   * What a text is sent as, and what chooses its node: for keys shared with a client that changes them in a way of its own. Bytes
   * may be any. It is given the key with its namespace in front, and takes the place of `longKeys` and `routeByNamespace`. It must not throw.
   */
  readonly keyForm?: (key: string) => KeyAsSent
}

/** What a `keyForm` makes of a key. */
export interface KeyAsSent {
  readonly sent: string | Uint8Array
  readonly placedBy: string
}

/** A key as it is sent. */
export interface SentKey {
  /** Of a binary key its base64. */
  readonly text: string
  readonly isBinary: boolean
  /** What chooses the node. */
  readonly routingKey: string
}

/** A key as a node has listed it. */
export interface ListedKey {
  readonly key: Key
  readonly routingKey: string | undefined
}

/** Before the hash of what can't be a key itself. */
export const HASH_MARK = 'sha256:'
const NAMESPACE_MAX_BYTES = KEY_MAX_BYTES - HASH_MARK.length - 64
/** A string of this many UTF-16 units has no more than 250 bytes. */
const SURELY_SHORT = Math.floor(KEY_MAX_BYTES / 3)
const FORBIDDEN = /[\0-\x20\x7f]/

export class KeyForm {
  /** Texts are sent as they are. */
  readonly isPlain: boolean
  readonly #namespace: string
  readonly #isRouted: boolean
  readonly #hashes: boolean
  readonly #form: KeyOptions['keyForm']

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: KeyOptions) {
    const { namespace = '', routeByNamespace = true, longKeys = 'error', keyForm } = options
    checkNamespace(namespace)
    if (longKeys !== 'error' && longKeys !== 'hash') {
      throw new ArgumentError(`longKeys is ${String(longKeys)}: give error or hash`)
    }
    this.#namespace = namespace
    this.#isRouted = routeByNamespace
    this.#hashes = longKeys === 'hash'
    this.#form = keyForm
    this.isPlain = namespace === '' && !this.#hashes && keyForm === undefined
  }

  /** The form of keys in a namespace within this one. */
  within(namespace: string): KeyForm {
    return new KeyForm({
      namespace: this.#namespace + namespace,
      routeByNamespace: this.#isRouted,
      longKeys: this.#hashes ? 'hash' : 'error',
      ...(this.#form === undefined ? {} : { keyForm: this.#form }),
    })
  }

  /** What all keys that begin so begin with as they are sent. @throws KeyError when no key can. */
  prefix(prefix: string): string {
    const text = this.#namespace + prefix
    keyByteLength(text)
    return text
  }

  /** The same of what may be nothing, as all keys begin. */
  beginning(prefix: string): string {
    return this.#namespace + prefix === '' ? '' : this.prefix(prefix)
  }

  /**
   * The key that is sent as these bytes, and what chooses its node; undefined if it is in no namespace of this one, or
   * was hashed. With a `keyForm` the bytes are the key, and what chooses its node is not known.
   */
  listed(sent: Buffer): ListedKey | undefined {
    const namespace = Buffer.from(this.#namespace)
    const bytes = sent.subarray(namespace.length)
    if (bytes.length === 0 || !sent.subarray(0, namespace.length).equals(namespace))
      return undefined
    const text = isUtf8(bytes) ? bytes.toString() : undefined
    const key = text === undefined || FORBIDDEN.test(text) ? bytes : text
    if (this.#form !== undefined) return { key, routingKey: undefined }
    if (this.#hashes && text?.startsWith(HASH_MARK)) return undefined
    return { key, routingKey: this.sent(key).routingKey }
  }

  /** What is no key at all comes out as it is, to be refused by keyByteLength. */
  sent(key: Key): SentKey {
    if (key instanceof Uint8Array) return this.#bytes(key)
    if (typeof key === 'string') return this.#text(key)
    return { text: key, isBinary: false, routingKey: key }
  }

  #bytes(key: Uint8Array): SentKey {
    const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
    if (isUtf8(bytes)) {
      const text = bytes.toString()
      if (!FORBIDDEN.test(text)) return this.#text(text)
    }
    const all = Buffer.concat([Buffer.from(this.#namespace), bytes])
    const text = all.toString('base64')
    if (this.#hashes && text.length > KEY_MAX_BYTES) return this.#prefixed(hashed(bytes))
    const routingKey = this.#isRouted ? text : bytes.toString('base64')
    return { text, isBinary: true, routingKey }
  }

  #text(key: string): SentKey {
    if (this.#form !== undefined) {
      const { sent, placedBy } = this.#form(this.#namespace + key)
      if (typeof sent === 'string') return { text: sent, isBinary: false, routingKey: placedBy }
      const text = Buffer.from(sent).toString('base64')
      return { text, isBinary: true, routingKey: placedBy }
    }
    if (key === '' || !this.#hashes) return this.#prefixed(key)
    return this.#prefixed(this.#mustHash(key) ? hashed(key) : key)
  }

  /** A short key that looks like a hashed one is hashed, too: no two keys are sent alike. */
  #mustHash(key: string): boolean {
    const isAlike = key.startsWith(HASH_MARK)
    if (!isAlike && this.#namespace.length + key.length <= SURELY_SHORT) return false
    // Hashing hides nothing that would be an error in a short key.
    if (!key.isWellFormed() || FORBIDDEN.test(key)) return false
    return isAlike || Buffer.byteLength(this.#namespace) + Buffer.byteLength(key) > KEY_MAX_BYTES
  }

  #prefixed(key: string): SentKey {
    if (key === '') return { text: key, isBinary: false, routingKey: key }
    const text = this.#namespace + key
    return { text, isBinary: false, routingKey: this.#isRouted ? text : key }
  }
}

function hashed(key: string | Buffer): string {
  return HASH_MARK + hash('sha256', key, 'hex')
}

function checkNamespace(namespace: string): void {
  if (namespace === '') return
  try {
    if (keyByteLength(namespace) <= NAMESPACE_MAX_BYTES) return
  } catch (error) {
    const reason = error instanceof KeyError ? error.message : String(error)
    throw new ArgumentError(`namespace begins every key, and ${reason}`)
  }
  throw new ArgumentError(`namespace is longer than ${NAMESPACE_MAX_BYTES} bytes: shorten it`)
}
