// Puts a report into a page of documentation, between the two comments that keep its place.
// Knows nothing of the report.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** The comments around the place of a command's report. */
export function placeOf(command: string): { readonly begin: string; readonly end: string } {
  return { begin: `<!-- memshard-bench ${command} -->`, end: `<!-- /memshard-bench ${command} -->` }
}

/** A file that is not there is made; one without the comments becomes the report. */
export function writeIntoPage(path: string, command: string, markdown: string): void {
  const page = existsSync(path) ? readFileSync(path, 'utf8') : ''
  writeFileSync(path, pageWith(page, command, markdown))
}

export function pageWith(page: string, command: string, markdown: string): string {
  const { begin, end } = placeOf(command)
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) return markdown
  return `${page.slice(0, from + begin.length)}\n\n${markdown}\n${page.slice(to)}`
}
