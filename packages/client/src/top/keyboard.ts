// What the bytes that a terminal sends for keys mean to the dashboard. Pure.
import { type Action, VIEWS } from './dashboard.ts'

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['q', { do: 'quit' }],
  ['Q', { do: 'quit' }],
  // ^C and ^D: the terminal is in raw mode.
  ['\x03', { do: 'quit' }],
  ['\x04', { do: 'quit' }],
  ['?', { do: 'help' }],
  ['h', { do: 'help' }],
  ['p', { do: 'pause' }],
  [' ', { do: 'pause' }],
  ['\t', { do: 'nextView' }],
  ['\x1b[Z', { do: 'previousView' }],
  ...['<', ',', '\x1b[D', '\x1bOD'].map((key): [string, Action] => [key, { do: 'sort', by: -1 }]),
  ...['>', '.', '\x1b[C', '\x1bOC'].map((key): [string, Action] => [key, { do: 'sort', by: 1 }]),
  ...VIEWS.map((view, i): [string, Action] => [String(i + 1), { do: 'view', view }]),
])

/** Several keys may have been pressed since. */
export function actionsOf(typed: string): Action[] {
  // An escape sequence is one key, as is any other character.
  const keys = typed.match(/\p{Cc}[[O][\d;]*[A-Za-z~]|./gsu) ?? []
  return keys.flatMap((key) => ACTIONS.get(key) ?? [])
}
