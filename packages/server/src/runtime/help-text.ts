// The text of `--help`, laid out as memcached lays out its own.
// memcached's test-suite reads from this text what a server can do: a name stands here only if it works.
import type { ExtendedOption } from './extended-options.ts'
import type { Flag } from './flags.ts'
import { MEMCACHED_VERSION, SERVER_VERSION } from './version.ts'

const FLAG_COLUMNS = 26
const OPTION_COLUMNS = 29

export function helpText(flags: readonly Flag[], options: readonly ExtendedOption[]): string {
  const lines = [`memshard-server ${SERVER_VERSION} (memcached ${MEMCACHED_VERSION} compatible)`]
  for (const { spelling, help } of flags) {
    if (help !== undefined) lines.push(...entry(withEquals(spelling), help, FLAG_COLUMNS))
  }
  for (const { name, help } of options) {
    if (help !== undefined) lines.push(...entry(`   - ${name}:`, help, OPTION_COLUMNS))
  }
  return `${lines.join('\n')}\n`
}

/** `-p, --port <num>` as memcached writes it: `-p, --port=<num>`. */
function withEquals(spelling: string): string {
  return spelling.replace(/(--\S+) </, '$1=<')
}

function entry(name: string, help: string, columns: number): string[] {
  const [first, ...rest] = help.split('\n')
  const indent = ' '.repeat(columns)
  return [`${name} `.padEnd(columns) + first, ...rest.map((line) => indent + line)]
}
