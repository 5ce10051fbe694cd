// A failure as a person reads it: what was sent to each server, and what came back. Knows text only.
import type { Failure } from './campaign.ts'
import type { Exchange } from './player.ts'

/** The middle of a longer line adds nothing. */
const LONGEST_LINE = 300

export function transcriptOf({ session, outcome, shrinks }: Failure): string {
  const lines = [
    `session ${session}: ${outcome.difference}`,
    shrinks === undefined
      ? '(it has not failed again when it was played alone)'
      : `(made smaller ${shrinks} times)`,
  ]
  for (const exchange of outcome.exchanges) lines.push(...exchangeLines(exchange))
  return lines.join('\n')
}

function exchangeLines({ connection, protocol, pieces, answers }: Exchange): string[] {
  const sent = { theirs: shown(pieces.theirs), ours: shown(pieces.ours) }
  const lines = [`connection ${connection} (${protocol})`]
  if (sent.theirs === sent.ours) lines.push(`  sent    ${sent.theirs}`)
  else lines.push(`  sent    ${sent.theirs}`, `  to ours ${sent.ours}`)
  for (const [name, side] of [
    ['theirs', 'theirs'],
    ['ours  ', 'ours'],
  ] as const) {
    const { text, closed, silent } = answers[side]
    const end = `${closed ? ' <closed>' : ''}${silent ? ' <nothing further>' : ''}`
    lines.push(`  ${name}  ${quoted(text)}${end}`)
  }
  return lines
}

function shown(pieces: readonly Buffer[]): string {
  return pieces.map((piece) => quoted(piece.toString('latin1'))).join(' | ')
}

/** As a string literal, with each line of it on a line of its own. */
function quoted(text: string): string {
  const lines = text.split(/(?<=\n)/).map((line) => {
    if (line.length <= LONGEST_LINE) return line
    return `${line.slice(0, 40)}<${line.length} bytes>${line.slice(-40)}`
  })
  return lines.length === 0 ? '""' : lines.map(literal).join('\n          ')
}

function literal(line: string): string {
  return JSON.stringify(line).replace(
    /[\x7f-\xff]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16)}`,
  )
}
