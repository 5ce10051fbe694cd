import { expect, test } from 'vitest'
import { MARKDOWN_BEGIN, MARKDOWN_END } from '../cost-command-line.ts'
import { pageWith } from './page.ts'

test('a report replaces the one that was in the page, and nothing else', () => {
  const page = `# Title\n\n${MARKDOWN_BEGIN}\nold\n${MARKDOWN_END}\n\nThe rest.\n`
  const written = pageWith(page, 'new\n')
  expect(written).toBe(`# Title\n\n${MARKDOWN_BEGIN}\n\nnew\n\n${MARKDOWN_END}\n\nThe rest.\n`)
  expect(pageWith(written, 'new\n')).toBe(written)
})

test('without the comments it is the page', () => {
  expect(pageWith('', 'new\n')).toBe('new\n')
  expect(pageWith(`${MARKDOWN_END} ${MARKDOWN_BEGIN}`, 'new\n')).toBe('new\n')
})
