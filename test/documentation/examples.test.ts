import { describe, expect, test } from 'vitest'
import { examplesOf, isRun, programOf } from './examples.ts'

const fenced = (language: string, ...lines: readonly string[]) =>
  [`\`\`\`${language}`, ...lines, '```', ''].join('\n')

describe('the examples of a page', () => {
  test('are its code blocks, by language and line', () => {
    const page = `# Title\n\n${fenced('ts', 'one()')}\nwords\n\n${fenced('sh', 'two')}`
    expect(examplesOf(page)).toMatchObject([
      { line: 3, language: 'ts', code: 'one()' },
      { line: 9, language: 'sh', code: 'two' },
    ])
  })

  test('drawings and what is printed are none; the latter belongs to what prints it', () => {
    const page = `${fenced('', '+--+')}\n${fenced('ts', 'print()')}\n${fenced('text', 'printed')}`
    expect(examplesOf(page)).toMatchObject([{ code: 'print()', prints: 'printed' }])
  })

  test('lose the indent of the list that they stand in', () => {
    expect(examplesOf('- so:\n\n  ```sh\n  a \\\n    b\n  ```\n')[0]?.code).toBe('a \\\n  b')
  })

  test('are told by comments how they are run', () => {
    const page = `<!-- example: before const a = 1\nconst b = 2\n-->\n\n<!-- example: after a + b -->\n${fenced('ts', 'use(a)')}`
    const [example] = examplesOf(page)
    expect(programOf(example!, [])).toBe('const a = 1\nconst b = 2\nuse(a)\na + b')
  })

  test('go on from what was there, but not from what ended it', () => {
    const page = [
      `<!-- example: after end() -->\n${fenced('ts', 'const a = 1')}`,
      fenced('sh', 'between'),
      `<!-- example: goes on -->\n${fenced('ts', 'use(a)')}`,
    ].join('\n')
    const examples = examplesOf(page)
    expect(programOf(examples[2]!, examples.slice(0, 2))).toContain('const a = 1')
    expect(programOf(examples[2]!, examples.slice(0, 2))).not.toContain('end()')
  })

  test.each(['elsewhere: there is no such machine here', 'shown by test/x.test.ts', 'file a.yml'])(
    'are not run if %s',
    (comment) => {
      expect(isRun(examplesOf(`<!-- example: ${comment} -->\n${fenced('sh', 'x')}`)[0]!)).toBe(
        false,
      )
    },
  )

  test.each([
    ['a comment that says nothing known', `<!-- example: whatever -->\n${fenced('ts', 'x')}`],
    ['a comment on no block', '<!-- example: goes on -->\n\nwords'],
    ['a comment without its end', '<!-- example: goes on\n\nwords'],
    ['a block without its end', '```ts\nx'],
  ])('%s is an error', (_, page) => {
    expect(() => examplesOf(page)).toThrow(/^line \d+: /)
  })
})
