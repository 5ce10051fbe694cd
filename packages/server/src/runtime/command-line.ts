// Turns the arguments of the process into settings, a text to print, or a refusal with its reason.
// commander splits the arguments as getopt does; what a flag means stands in flags.ts. Ends no process.
import { Command, CommanderError, Option } from 'commander'
import { EXTENDED_OPTIONS } from './extended-options.ts'
import { FLAGS } from './flags.ts'
import { helpText } from './help-text.ts'
import { LICENCE_NOTICE } from './licence.ts'
import { completeLongOptions } from './long-options.ts'
import { CommandLineError, EXIT_FAILURE } from './option-values.ts'
import type { Settings } from './settings.ts'
import { type Environment, finishSettings, newDraft, type SettingsDraft } from './settings-draft.ts'
import { MEMCACHED_VERSION, SERVER_VERSION } from './version.ts'

export type CommandLine =
  | { readonly kind: 'serve'; readonly settings: Settings; readonly warnings: readonly string[] }
  /** Whether the server that was started so is well. */
  | { readonly kind: 'check'; readonly settings: Settings }
  /** `text` ends its last line; it belongs on stdout, and the exit code is 0. */
  | { readonly kind: 'print'; readonly text: string }
  /** `message` is one sentence or two without a line end; it belongs on stderr. */
  | { readonly kind: 'refuse'; readonly message: string; readonly exitCode: number }

/**
 * Reads a command line as memcached would. Whatever the user typed, it throws nothing.
 * @param argv the arguments alone, without the executable and the script.
 * @param env `PORT` stands in for an absent `-p`, `LOG_LEVEL` goes before `-v`, and
 *   `MEMCACHED_PORT_FILENAME` names the file to write ports to.
 * @param effectiveUserId who runs the process; undefined where the system has no such thing.
 */
export function parseCommandLine(
  argv: readonly string[],
  env: Environment,
  effectiveUserId: number | undefined = process.geteuid?.(),
): CommandLine {
  try {
    const draft = newDraft()
    readFlags(argv, draft)
    if (draft.print !== undefined) return { kind: 'print', text: text(draft.print) }
    const settings = finishSettings(draft, env)
    if (draft.healthcheck) return { kind: 'check', settings }
    if (effectiveUserId === 0 && settings.user === undefined) {
      draft.warnings.push('The server runs as root: give it another user with -u <user>.')
    }
    return { kind: 'serve', settings, warnings: draft.warnings }
  } catch (error) {
    if (error instanceof CommandLineError) {
      return { kind: 'refuse', message: error.message, exitCode: error.exitCode }
    }
    if (error instanceof CommanderError) {
      return { kind: 'refuse', message: commanderSentence(error), exitCode: EXIT_FAILURE }
    }
    throw error
  }
}

/** Lets every flag on the command line have its effect on the draft, in the order given. */
function readFlags(argv: readonly string[], draft: SettingsDraft): void {
  const command = new Command('memshard-server')
    .helpOption(false)
    .allowExcessArguments()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .exitOverride()
  for (const { spelling, sets, effect } of FLAGS) {
    // Called each time the flag is met, with undefined where it takes no value.
    const apply = (value = ''): void => {
      Object.assign(draft.settings, sets)
      effect?.(draft, value)
    }
    command.addOption(new Option(spelling).argParser(apply))
  }
  command.parse(completeLongOptions(argv, FLAGS), { from: 'user' })
  for (const argument of command.args) {
    // commander takes `-5` for a number; getopt for a flag, and an unknown one.
    if (argument.startsWith('-')) throw new CommandLineError(`Unknown option '${argument}'.`)
    draft.warnings.push(`The argument "${argument}" has no effect.`)
  }
}

function text(what: 'help' | 'licence' | 'version'): string {
  switch (what) {
    case 'help':
      return helpText(FLAGS, EXTENDED_OPTIONS)
    case 'licence':
      return LICENCE_NOTICE
    case 'version':
      // Scripts read memcached's version from the first line.
      return `memcached ${MEMCACHED_VERSION}\nmemshard-server ${SERVER_VERSION}\n`
  }
}

/** commander's "error: unknown option '--prt'", with the suggestion below it, as sentences of ours. */
function commanderSentence(error: CommanderError): string {
  const sentence = error.message.replace(/^error: /, '').replace(/\n\((.*)\)$/, ' ($1)')
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`
}
