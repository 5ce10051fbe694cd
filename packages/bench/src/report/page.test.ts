import { expect, test } from 'vitest'
import { pageWith, placeOf } from './page.ts'

const { begin, end } = placeOf('cost')

test('a report replaces the one that was in the page, and nothing else', () => {
  const rest = `The rest.\n\n${placeOf('clients').begin}\nanother\n`
  const page = `# Title\n\n${begin}\nold\n${end}\n\n${rest}`
  const written = pageWith(page, 'cost', 'new\n')
  expect(written).toBe(`# Title\n\n${begin}\n\nnew\n\n${end}\n\n${rest}`)
  expect(pageWith(written, 'cost', 'new\n')).toBe(written)
})

test('without the comments it is the page', () => {
  expect(pageWith('', 'cost', 'new\n')).toBe('new\n')
  expect(pageWith(`${end} ${begin}`, 'cost', 'new\n')).toBe('new\n')
})
