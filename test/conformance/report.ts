// Tells the suite's verdicts as a table, for a terminal or for a document. Knows no suite and judges nothing.
import type { Verdict } from './verdict.ts'

type Row = readonly [file: string, tests: string, passed: string, remark: string]

const HEAD: Row = ['file', 'tests', 'passed', 'left out and why']

/** For people at a terminal: aligned, with what went wrong below. */
export function asText(verdicts: readonly Verdict[]): string {
  const rows = [HEAD, ...verdicts.map((verdict) => row(verdict)), total(verdicts)]
  const lines = align(rows).map(([file, tests, passed, remark]) =>
    `${file}  ${tests}  ${passed}  ${remark}`.trimEnd(),
  )
  const problems = verdicts
    .filter((verdict) => verdict.problems.length > 0)
    .map(({ file, problems }) => `\n${file}\n${indent(problems.join('\n'))}`)
  return `${[...lines, ...problems].join('\n')}\n`
}

/** For docs/PROTOCOL.md, as the formatter wants it. */
export function asMarkdown(verdicts: readonly Verdict[]): string {
  const escaped = [...verdicts.map((verdict) => row(verdict)), total(verdicts)].map(
    ([file, tests, passed, remark]): Row => [file, tests, passed, remark.replaceAll('|', '\\|')],
  )
  const [head = HEAD, ...rows] = align([HEAD, ...escaped])
  const [file, tests, passed, remark] = head
  const rule: Row = [dashes(file), `${dashes(tests, 1)}:`, `${dashes(passed, 1)}:`, dashes(remark)]
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** As many as the text is wide, less so many. */
function dashes(text: string, less = 0): string {
  return '-'.repeat(text.length - less)
}

function row(verdict: Verdict): Row {
  const { file, tests, passed, leftOut } = verdict
  if (leftOut !== undefined) return [file, '', '', leftOut]
  const remarks = [
    ...(verdict.problems.length > 0 ? ['FAILED'] : []),
    ...verdict.changed.map(({ line, since, reason }) => `line ${line}: ${reason} (since ${since})`),
    ...verdict.skipped.map((reason) => `skips one: "${reason}"`),
  ]
  return [file, String(tests), String(passed), remarks.join('; ')]
}

function total(verdicts: readonly Verdict[]): Row {
  const ran = verdicts.filter(({ leftOut }) => leftOut === undefined)
  const sum = (count: (verdict: Verdict) => number) => ran.reduce((n, v) => n + count(v), 0)
  const failed = verdicts.filter(({ problems }) => problems.length > 0).length
  return [
    `${ran.length} files`,
    String(sum(({ tests }) => tests)),
    String(sum(({ passed }) => passed)),
    `${verdicts.length - ran.length} files left out, ${failed} failed`,
  ]
}

function align(rows: readonly Row[]): Row[] {
  const width = (column: number) => Math.max(...rows.map((cells) => cells[column]!.length))
  const [file, tests, passed, remark] = [width(0), width(1), width(2), width(3)]
  return rows.map((cells) => [
    cells[0].padEnd(file),
    cells[1].padStart(tests),
    cells[2].padStart(passed),
    cells[3].padEnd(remark),
  ])
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
