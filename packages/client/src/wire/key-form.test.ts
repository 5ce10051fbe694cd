import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArgumentError, KeyError } from '../errors.ts'
import { keyByteLength } from './key.ts'
import { KeyForm } from './key-form.ts'

const LONG = 'k'.repeat(251)
const HASH_OF_LONG = 'sha256:3b8059c637939a483bdc7beef09f11b566581be6d14e25083b3041b77717de02'

/** What is sent, as a string that tells binary keys from others. */
function sent(form: KeyForm, key: string | Uint8Array): string {
  const { text, isBinary } = form.sent(key)
  return isBinary ? `binary ${text}` : text
}

describe('a key', () => {
  test('is sent as it is, unless told otherwise', () => {
    expect(new KeyForm({}).isPlain).toBe(true)
    expect(sent(new KeyForm({}), 'user:1')).toBe('user:1')
    expect(() => keyByteLength(sent(new KeyForm({}), LONG))).toThrow(KeyError)
  })

  test('of bytes is the same key as the text with these bytes, where there is one', () => {
    const form = new KeyForm({})
    for (const text of ['user:1', 'ключ', '\ufeffbom']) {
      expect(form.sent(Buffer.from(text))).toEqual(form.sent(text))
    }
    for (const bytes of [[0xff], [0], [0x61, 0x20], [0xed, 0xa0, 0x80], [0xc3]]) {
      const base64 = Buffer.from(bytes).toString('base64')
      expect(form.sent(Uint8Array.from(bytes))).toEqual({
        text: base64,
        isBinary: true,
        routingKey: base64,
      })
    }
  })

  test('of bytes has room for 187 of them, fewer with a namespace', () => {
    const check = (form: KeyForm, bytes: number) =>
      keyByteLength(form.sent(new Uint8Array(bytes)).text)
    expect(check(new KeyForm({}), 186)).toBe(248)
    expect(() => check(new KeyForm({}), 187)).toThrow(KeyError)
    expect(() => check(new KeyForm({ namespace: 'n:' }), 185)).toThrow(KeyError)
    expect(check(new KeyForm({ longKeys: 'hash' }), 187)).toBe(71)
  })
})

describe('a namespace', () => {
  test('comes before every key, and nests', () => {
    const form = new KeyForm({ namespace: 'app:' })
    expect(form.sent('k')).toEqual({ text: 'app:k', isBinary: false, routingKey: 'app:k' })
    expect(sent(form.within('user:'), 'k')).toBe('app:user:k')
    expect(sent(form, Buffer.from([0xff]))).toBe(
      `binary ${Buffer.from('app:\xff', 'latin1').toString('base64')}`,
    )
  })

  test('can be left out when the node is chosen', () => {
    const form = new KeyForm({ namespace: 'app:', routeByNamespace: false })
    expect(form.sent('k')).toEqual({ text: 'app:k', isBinary: false, routingKey: 'k' })
    expect(form.within('user:').sent('k').routingKey).toBe('k')
    expect(form.sent(Uint8Array.of(0xff)).routingKey).toBe('/w==')
  })

  test('makes no key of an empty one', () => {
    expect(() => keyByteLength(sent(new KeyForm({ namespace: 'app:' }), ''))).toThrow(KeyError)
  })

  test.each(['a b', 'é\n', 'n'.repeat(180), '\ud800', 5])('is refused: %j', (namespace) => {
    expect(() => new KeyForm({ namespace: namespace as string })).toThrow(ArgumentError)
  })
})

describe('long keys, hashed', () => {
  const form = new KeyForm({ longKeys: 'hash' })

  test('are a mark and the SHA-256 of their bytes, behind the namespace', () => {
    expect(sent(form, LONG)).toBe(HASH_OF_LONG)
    expect(sent(form, Buffer.from(LONG))).toBe(HASH_OF_LONG)
    expect(sent(form.within('app:'), LONG)).toBe(`app:${HASH_OF_LONG}`)
    expect(keyByteLength(sent(form.within('n'.repeat(179)), LONG))).toBe(250)
  })

  test('begin where memcached refuses them', () => {
    expect(sent(form, 'k'.repeat(250))).toBe('k'.repeat(250))
    expect(sent(form, 'é'.repeat(125))).toBe('é'.repeat(125))
    expect(sent(form, `${'é'.repeat(125)}a`)).toMatch(/^sha256:/)
    expect(sent(form.within('a:'), 'k'.repeat(249))).toMatch(/^a:sha256:/)
  })

  test('are refused for what short ones are refused for', () => {
    for (const key of [`a ${LONG}`, `\ud800${LONG}`, 'sha256: ']) {
      expect(() => keyByteLength(sent(form, key))).toThrow(KeyError)
    }
  })

  test('never meet a short one that looks like them', () => {
    expect(sent(form, HASH_OF_LONG)).not.toBe(HASH_OF_LONG)
  })

  test.each([
    ['hashing', new KeyForm({ namespace: 'n:', longKeys: 'hash' })],
    ['plain', new KeyForm({})],
  ])('different keys are sent differently: %s', (_, form) => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: fc.constantFrom('a', 'é'), minLength: 120, maxLength: 260 }),
      fc.constantFrom(LONG, HASH_OF_LONG, 'sha256:'),
    )
    const key = fc.oneof(text, fc.uint8Array({ minLength: 1, maxLength: 260 }))
    fc.assert(
      fc.property(key, key, (a, b) => {
        const isSame = Buffer.from(a as Uint8Array).equals(Buffer.from(b as Uint8Array))
        const forms = [a, b].map((key) => sent(form, key))
        for (const form of forms) fc.pre(isKey(form.replace('binary ', '')))
        expect(forms[0] === forms[1]).toBe(isSame)
      }),
      { numRuns: 2000 },
    )
  })
})

test('longKeys takes two words', () => {
  expect(() => new KeyForm({ longKeys: 'md5' as 'hash' })).toThrow(ArgumentError)
})

function isKey(text: string): boolean {
  try {
    return keyByteLength(text) > 0
  } catch {
    return false
  }
}

describe('a form of keys of another client', () => {
  const keyForm = (key: string) => ({ sent: key.slice(0, 4), placedBy: key })

  test('says what is sent and what chooses the node, with the namespace in front', () => {
    const form = new KeyForm({ namespace: 'n:', keyForm })
    expect(form.sent('abcdef')).toEqual({
      text: 'n:ab',
      isBinary: false,
      routingKey: 'n:abcdef',
    })
    expect(form.within('m:').sent('abcdef').routingKey).toBe('n:m:abcdef')
    expect(form.isPlain).toBe(false)
  })

  test('may send bytes, which are no text', () => {
    const form = new KeyForm({ keyForm: (key) => ({ sent: Buffer.from(key), placedBy: key }) })
    expect(form.sent('a b')).toEqual({ text: 'YSBi', isBinary: true, routingKey: 'a b' })
  })
})

describe('a key that a node lists', () => {
  const stored = (form: KeyForm, key: string | Uint8Array): Buffer => {
    const { text, isBinary } = form.sent(key)
    return Buffer.from(text, isBinary ? 'base64' : 'utf8')
  }

  test('is the key that calls take, and is on the node where they look', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    const key = fc.oneof(text, fc.uint8Array({ minLength: 1, maxLength: 60 }))
    fc.assert(
      fc.property(key, fc.constantFrom('', 'ns:'), fc.boolean(), (given, namespace, routed) => {
        const form = new KeyForm({ namespace, routeByNamespace: routed })
        const { text, routingKey } = form.sent(given)
        fc.pre(typeof given !== 'string' || isKey(text))
        const listed = form.listed(stored(form, given))
        expect(listed?.routingKey).toBe(routingKey)
        expect(form.sent(listed!.key)).toEqual(form.sent(given))
      }),
    )
  })

  test('of another namespace, or that was hashed, is none', () => {
    const form = new KeyForm({ namespace: 'ns:', longKeys: 'hash' })
    expect(form.listed(Buffer.from('ns:a'))?.key).toBe('a')
    for (const key of ['a', 'other:a', 'ns:', `ns:${HASH_OF_LONG}`]) {
      expect(form.listed(Buffer.from(key))).toBe(undefined)
    }
  })

  test('comes as it was sent where another client’s form is used, whose it is not known', () => {
    const form = new KeyForm({ keyForm: (key) => ({ sent: `h-${key}`, placedBy: key }) })
    expect(form.listed(Buffer.from('h-a'))).toEqual({ key: 'h-a', routingKey: undefined })
  })
})
