import { describe, expect, test } from 'vitest'
import { Book, valueFor, versionOf } from './books.ts'

describe('a value says whose it is', () => {
  test.each([0, 1, 30, 5000])('with %i bytes more than it needs', (length) => {
    expect(versionOf('a:1', valueFor('a:1', 17, length))).toBe(17)
  })

  test('one of another key, a mixed and a torn one are none', () => {
    const value = valueFor('a:1', 17, 100)
    expect(versionOf('a:2', value)).toBeUndefined()
    expect(
      versionOf('a:1', value.slice(0, 50) + valueFor('a:1', 18, 100).slice(50)),
    ).toBeUndefined()
    expect(versionOf('a:1', `${value.slice(0, -1)}x`)).toBeUndefined()
    expect(versionOf('a:1', value.slice(3))).toBeUndefined()
    expect(versionOf('a:1', 17)).toBeUndefined()
  })
})

describe('what may be found on a node', () => {
  test('is what it said it has, and nothing older', () => {
    const book = new Book()
    const [one, two] = [book.next(false), book.next(false)]
    book.begun(['n'], one, 0)
    book.done('n', one, 1)
    expect(book.heldSince('n')).toBe(1)
    book.begun(['n'], two, 2)
    book.done('n', two, 3)
    expect(book.mayFind(['n'], two.version)).toBe(true)
    expect(book.mayFind(['n'], one.version)).toBe(false)
    expect(book.mayFind(['other'], two.version)).toBe(false)
  })

  test('is also what was not answered, until that is too long ago', () => {
    const book = new Book()
    const [lost, sure, last] = [book.next(false), book.next(false), book.next(false)]
    book.begun(['n'], lost, 0)
    expect(book.mayFind(['n'], lost.version)).toBe(true)
    book.begun(['n'], sure, 10)
    book.done('n', sure, 11)
    // A frozen node may still have it in a socket.
    expect(book.mayFind(['n'], lost.version)).toBe(true)
    expect(book.heldSince('n')).toBeUndefined()
    book.begun(['n'], last, 100_000)
    book.done('n', last, 100_001)
    expect(book.mayFind(['n'], lost.version)).toBe(false)
    expect(book.heldSince('n')).toBe(100_001)
  })

  test('is nothing that was deleted there, but what another node has', () => {
    const book = new Book()
    const [value, gone] = [book.next(false), book.next(true)]
    for (const node of ['n', 'm']) {
      book.begun([node], value, 0)
      book.done(node, value, 1)
    }
    book.begun(['n'], gone, 2)
    book.done('n', gone, 3)
    expect(book.mayFind(['n'], value.version)).toBe(false)
    expect(book.heldSince('n')).toBeUndefined()
    expect(book.mayFind(['m'], value.version)).toBe(true)
    expect(book.newestDone).toBe(gone.version)
  })
})
