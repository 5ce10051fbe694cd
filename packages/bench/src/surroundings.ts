// What the program talks to; a test gives its own. Knows nothing of what is said.

export interface Surroundings {
  /** Without node and script. */
  readonly argv: readonly string[]
  readonly version: string
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** What `err` is shown on; undefined where it is no terminal. */
  readonly terminal?: { readonly columns: number } | undefined
  /** Aborted when the user has had enough. */
  readonly signal: AbortSignal
}

/** What was given to the program, as it could be typed again. */
export function commandLineOf(argv: readonly string[]): string {
  return argv.map(quoted).join(' ')
}

function quoted(argument: string): string {
  return /^[\w./:=,@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}
