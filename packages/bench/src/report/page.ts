// Puts a report into a page of documentation, between the two comments that keep its place.
// Knows nothing of the report.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { MARKDOWN_BEGIN, MARKDOWN_END } from '../cost-command-line.ts'

/** A file that is not there is made; one without the comments becomes the report. */
export function writeIntoPage(path: string, markdown: string): void {
  const page = existsSync(path) ? readFileSync(path, 'utf8') : ''
  writeFileSync(path, pageWith(page, markdown))
}

export function pageWith(page: string, markdown: string): string {
  const begin = page.indexOf(MARKDOWN_BEGIN)
  const end = page.indexOf(MARKDOWN_END)
  if (begin === -1 || end < begin) return markdown
  return `${page.slice(0, begin + MARKDOWN_BEGIN.length)}\n\n${markdown}\n${page.slice(end)}`
}
