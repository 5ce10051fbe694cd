// A report of several tables, as text for a terminal and as markdown for a page.
// Knows how it looks; nothing of what it says.
import { alignedTable, markdownTable } from './format.ts'

export interface Section {
  readonly title: string
  /** Undefined where the lines say it all. */
  readonly table?: SectionTable
  /** Sentences below the table. */
  readonly lines: readonly string[]
}

export interface SectionTable {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Columns of words, which come first; the others are numbers. */
  readonly nameColumns: number
}

export function sectionsText(sections: readonly Section[]): string {
  return joined(
    sections.flatMap(({ title, table, lines }) => [
      [title, '='.repeat(title.length)],
      table ? alignedTable(table.head, table.rows, table.nameColumns) : [],
      lines,
    ]),
  )
}

export function sectionsMarkdown(sections: readonly Section[]): string {
  return joined(
    sections.flatMap(({ title, table, lines }) => [
      [`### ${title}`],
      table ? markdownTable(table.head, table.rows, table.nameColumns) : [],
      lines.map((line) => `- ${line}`),
    ]),
  )
}

function joined(blocks: readonly (readonly string[])[]): string {
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`
}
