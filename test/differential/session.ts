// What a session is: which bytes go over which connection, in which pieces. Commands are templates, because
// keys are a session's own and CAS uniques are learnt from each server's earlier answers. Knows no server.

export type Protocol = 'text' | 'binary'

/** What a command's bytes may depend on. Strings are Latin-1: one character a byte. */
export interface Surroundings {
  key(slot: number): string
  /**
   * A CAS unique this server has given the key, the latest or with `age` 1 the one before. If it has given
   * the key none, one of another key; in the beginning "1", which no item has.
   */
  cas(slot: number, age: number): string
  /** The longest value that fits under that key, with or without client flags. */
  longestValue(slot: number, withFlags: boolean): number
}

/** Answers that are known to differ, both of them, byte for byte. */
export interface Changed {
  readonly was: string
  readonly is: string
}

export interface Command {
  /** What it is counted as. */
  readonly kind: string
  readonly protocol: Protocol
  render(surroundings: Surroundings): string
  readonly changed?: Changed
  /** The server closes the connection. */
  readonly ends?: true
}

/** Commands written to one connection, then its answers awaited. */
export interface Step {
  readonly connection: number
  readonly commands: readonly Command[]
  /** Where the bytes are cut, in ten-thousandths of their length. */
  readonly cuts: readonly number[]
}

export interface Session {
  /** What the protocol of each connection is. */
  readonly connections: readonly Protocol[]
  /** What comes after the session's own prefix; `undefined` fills it to the longest key there is. */
  readonly keys: readonly (string | undefined)[]
  readonly steps: readonly Step[]
  /** It touches what all sessions share (flush_all), and must run alone. */
  readonly exclusive: boolean
}

export const MAX_KEY_BYTES = 250
/** The slot of a key that is one byte too long. */
export const LONG_KEY = -1

export function keyBytes(session: Session, prefix: string, slot: number): string {
  if (slot === LONG_KEY) return prefix.padEnd(MAX_KEY_BYTES + 1, 'l')
  const suffix = session.keys[slot]
  return suffix === undefined ? prefix.padEnd(MAX_KEY_BYTES, 'f') : prefix + suffix
}

/** The bytes of the commands; those whose answers are known to differ stand between fences. */
export function renderStep(
  commands: readonly Command[],
  surroundings: Surroundings,
  fence: Fence,
): string {
  return commands
    .map((command, i) => {
      const bytes = command.render(surroundings)
      if (command.changed === undefined) return bytes
      return `${fence.request(`a${i}`)}${bytes}${fence.request(`b${i}`)}`
    })
    .join('')
}

/** A request whose answer shows in the stream of answers where it is. */
export interface Fence {
  request(mark: string): string
  answer(mark: string): string
}

/** The delete of a key that nobody has: the mark comes back as the opaque. */
export const TEXT_FENCE: Fence = {
  request: (mark) => `md fence O${mark}\r\n`,
  answer: (mark) => `NF O${mark}\r\n`,
}

/** A no-op; the mark comes back as the opaque. */
export const BINARY_FENCE: Fence = {
  request: (mark) => `\x80\x0a${'\0'.repeat(10)}${opaque(mark)}${'\0'.repeat(8)}`,
  answer: (mark) => `\x81\x0a${'\0'.repeat(10)}${opaque(mark)}${'\0'.repeat(8)}`,
}

function opaque(mark: string): string {
  const bytes = Buffer.alloc(4)
  // Marks are a number, or a letter and a number.
  bytes.writeUInt32BE(0xfe00_0000 + Number.parseInt(mark, 36))
  return bytes.toString('latin1')
}

export const FENCES: Readonly<Record<Protocol, Fence>> = {
  text: TEXT_FENCE,
  binary: BINARY_FENCE,
}

/** Whether the server closes the connection when it has executed the step. */
export function endsConnection(step: Step): boolean {
  return step.commands.some((command) => command.ends)
}
