import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cut, ScriptedBytes } from './trace-bytes-fixture.ts'
import { LINE_BYTES_MAX, WholeLines } from './whole-lines.ts'

async function readAll(text: string, lengths: readonly number[], late = false): Promise<string[]> {
  const bytes = new ScriptedBytes(cut(Buffer.from(text, 'latin1'), lengths), { late })
  const lines = new WholeLines(bytes)
  const taken: string[] = []
  while (!lines.ended) {
    const piece = lines.take()
    if (piece === undefined) await bytes.ready()
    else taken.push(Buffer.from(piece).toString('latin1'))
  }
  return taken
}

test('wherever bytes are cut, pieces are whole lines, and together they are all there was', async () => {
  const lines = fc.array(fc.string({ maxLength: 12 }).map((text) => text.replaceAll('\n', '')))
  const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(lines, lengths, fc.boolean(), async (lines, lengths, late) => {
      const text = lines.map((line) => `${line}\n`).join('')
      const latin = Buffer.from(text).toString('latin1')
      const pieces = await readAll(latin, lengths, late)
      expect(pieces.join('')).toBe(latin)
      expect(pieces.every((piece) => piece.endsWith('\n'))).toBe(true)
    }),
  )
})

test('the last line may end without a line feed, and gets one', async () => {
  expect(await readAll('one\ntwo', [2])).toEqual(['one\n', 'two\n'])
  expect(await readAll('one', [100])).toEqual(['one\n'])
  expect(await readAll('', [1])).toEqual([])
})

test('of a line that is too long, no more is kept than shows it', async () => {
  const text = `${'x'.repeat(3 * LINE_BYTES_MAX)}\nshort\n`
  const pieces = await readAll(text, [10_000])
  expect(pieces.join('')).toBe(`${'x'.repeat(LINE_BYTES_MAX + 1)}\nshort\n`)
})
