// Completes what getopt_long(3) would have completed: long options may be abbreviated as far as they are
// unambiguous. Knows which flags there are and which take a value; commander does the rest.
import type { Flag } from './flags.ts'
import { CommandLineError } from './option-values.ts'

interface Spelling {
  readonly letter: string | undefined
  readonly name: string | undefined
  readonly takesValue: boolean
}

/** The arguments with the full names of all long options. */
export function completeLongOptions(argv: readonly string[], flags: readonly Flag[]): string[] {
  const spellings = flags.map(spellingOf)
  const completed: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]
    if (argument === '--') return [...completed, ...argv.slice(i)]
    const [text, valueFollows] = argument.startsWith('--')
      ? completeLong(argument, spellings)
      : [argument, argument.startsWith('-') && valueFollowsLetters(argument, spellings)]
    completed.push(text)
    // Whatever it looks like, it is a value.
    if (valueFollows && i + 1 < argv.length) completed.push(argv[++i])
  }
  return completed
}

/** `-m, --memory-limit <num>`, `-D <char>` or `--transport <name>`. */
function spellingOf({ spelling }: Flag): Spelling {
  return {
    letter: /^-(\w)\b/.exec(spelling)?.[1],
    name: /--([\w-]+)/.exec(spelling)?.[1],
    takesValue: spelling.endsWith('>'),
  }
}

function completeLong(argument: string, spellings: readonly Spelling[]): [string, boolean] {
  const equals = argument.indexOf('=')
  const given = argument.slice(2, equals < 0 ? undefined : equals)
  const found = findByName(given, spellings)
  // commander knows what to say of it.
  if (found?.name === undefined) return [argument, false]
  // memcached's getopt takes a value here, and memcached none.
  if (equals < 0 || found.name === 'verbose') return [`--${found.name}`, found.takesValue]
  return [`--${found.name}${argument.slice(equals)}`, false]
}

function findByName(given: string, spellings: readonly Spelling[]): Spelling | undefined {
  const exact = spellings.find(({ name }) => name === given)
  if (exact !== undefined) return exact
  const candidates = spellings.filter(({ name }) => name?.startsWith(given))
  // What abbreviates one of memcached's, which all have a letter, must not become ambiguous by ours.
  const memcacheds = candidates.filter(({ letter }) => letter !== undefined)
  const [first, ...others] = memcacheds.length > 0 ? memcacheds : candidates
  if (others.length > 0) {
    const names = [first, ...others].map(({ name }) => `--${name}`).join(', ')
    throw new CommandLineError(`The option '--${given}' is ambiguous: it may be ${names}.`)
  }
  return first
}

/** Of `-vvm`, that the next argument is the last letter's value; of `-vvm64`, that it is not. */
function valueFollowsLetters(argument: string, spellings: readonly Spelling[]): boolean {
  for (let i = 1; i < argument.length; i++) {
    const found = spellings.find(({ letter }) => letter === argument[i])
    if (found?.takesValue) return i === argument.length - 1
  }
  return false
}
