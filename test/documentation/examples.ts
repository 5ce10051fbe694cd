// The examples of a page: its code blocks, each with what comments before it say of how it is to be run. A reader of the page
// sees none of these comments. Knows Markdown's fences; runs nothing.
//
//   <!-- example: before ... -->     code that a program of this block begins with; for names that the page takes for granted
//   <!-- example: after ... -->      code that it ends with
//   <!-- example: goes on -->        what earlier blocks of the page declared is still there
//   <!-- example: serves -->         commands that serve until they are told to end, one after the other
//   <!-- example: stays N -->        the same, N of them, until the end of the page
//   <!-- example: file NAME -->      what the page's commands find in a file of that name
//   <!-- example: shown by FILE -->  another test runs what it says
//   <!-- example: elsewhere: WHY --> can't be run here
//
// A block in `text` right after one of code is what that prints.

export interface Example {
  /** Of its first line in the page, from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
  readonly before: string
  readonly after: string
  readonly goesOn: boolean
  readonly serves: boolean
  /** How many serve until the end of the page. */
  readonly stay: number
  readonly file?: string
  readonly shownBy?: string
  readonly elsewhere?: string
  /** What it prints, if the page says so. */
  readonly prints?: string
}

const COMMENT = /^<!-- example: ([\s\S]*?)\s*-->$/
const ONLY_TOLD = new Set(['text', 'json'])

/** Throws an `Error` for a comment that it doesn't know. */
export function examplesOf(markdown: string): readonly Example[] {
  const lines = markdown.split('\n')
  const examples: Example[] = []
  let comments: string[] = []
  let isPrinted = false
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    if (line.trim() === '') continue
    if (line.startsWith('<!--')) {
      const end = lines.findIndex((text, at) => at >= i && text.trimEnd().endsWith('-->'))
      if (end === -1) throw new Error(`line ${i + 1}: a comment without its end`)
      const [, comment] = COMMENT.exec(lines.slice(i, end + 1).join('\n')) ?? []
      if (comment !== undefined) comments.push(comment)
      i = end
      continue
    }
    const [, named] = /^```(\S*)$/.exec(line.trim()) ?? []
    if (named === undefined) {
      if (comments.length > 0) throw new Error(`line ${i + 1}: a comment on no example`)
      isPrinted = false
      continue
    }
    const indent = line.length - line.trimStart().length
    const end = lines.findIndex((text, at) => at > i && text.trim() === '```')
    if (end === -1) throw new Error(`line ${i + 1}: a block without its end`)
    // Without a language: a drawing, or what is printed.
    const language = named || 'text'
    const code = lines.slice(i + 1, end).map((text) => text.slice(indent))
    const text = code.join('\n')
    if (language === 'text' && isPrinted && comments.length === 0) {
      const last = examples.pop()!
      examples.push({ ...last, prints: text })
    } else if (!ONLY_TOLD.has(language) || comments.length > 0) {
      examples.push(commented({ line: i + 1, language, code: text }, comments))
      isPrinted = true
    }
    comments = []
    i = end
  }
  return examples
}

function commented(
  block: Pick<Example, 'line' | 'language' | 'code'>,
  comments: readonly string[],
): Example {
  let example: Example = {
    ...block,
    before: '',
    after: '',
    goesOn: false,
    serves: false,
    stay: 0,
  }
  for (const comment of comments) {
    const [, word, rest] =
      /^(before|after|file|stays|shown by|elsewhere:)\s+([\s\S]+)$/.exec(comment) ?? []
    if (word === 'before') example = { ...example, before: rest! }
    else if (word === 'after') example = { ...example, after: rest! }
    else if (word === 'file') example = { ...example, file: rest! }
    else if (word === 'shown by') example = { ...example, shownBy: rest! }
    else if (word === 'elsewhere:') example = { ...example, elsewhere: rest! }
    else if (comment === 'goes on') example = { ...example, goesOn: true }
    else if (word === 'stays') example = { ...example, stay: Number(rest) }
    else if (comment === 'serves') example = { ...example, serves: true }
    else throw new Error(`line ${block.line}: an example that ${comment}?`)
  }
  return example
}

/** The program of an example: what it goes on from, what it takes for granted, itself. */
export function programOf(example: Example, earlier: readonly Example[]): string {
  const parts = [example.before, example.code, example.after]
  const previous = earlier.findLast(({ language }) => language === example.language)
  if (!example.goesOn || previous === undefined) return parts.join('\n')
  const rest = earlier.slice(0, earlier.indexOf(previous))
  return [programOf({ ...previous, after: '' }, rest), ...parts].join('\n')
}

/** Files are read by commands of the page. */
export function isRun({ file, shownBy, elsewhere }: Example): boolean {
  return (file ?? shownBy ?? elsewhere) === undefined
}
