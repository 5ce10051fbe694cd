// Commands of the meta protocol that say more than the classic ones: an item with all that is known of it, and any
// meta command as its user wrote it. Knows no socket and no routing.
import { type Answer, Mark, Status } from './answer.ts'
import { type Operation, UNEXPECTED } from './command.ts'
import { isPlaceholder } from './operations.ts'

/** An item, and what the node knows of it. */
export interface ItemFacts {
  /** Undefined for the placeholder of a value that is still being made. */
  readonly value: unknown
  /** Names this version of the item, for `cas`. */
  readonly cas: bigint
  /** The client flags that it was stored with. */
  readonly flags: number
  /** Bytes of the value as it is stored. */
  readonly size: number
  /** Seconds left to live; undefined: for ever. */
  readonly ttl: number | undefined
  /** Seconds since the last access. */
  readonly idle: number
  /** Whether it was fetched since it was stored. */
  readonly fetched: boolean
  /** It was invalidated: the value is out of date. */
  readonly stale: boolean
  /** The caller is the one who is to make the value anew; told to one caller alone. */
  readonly won: boolean
  /** Somebody else has won. */
  readonly taken: boolean
}

/** `mg` with everything that there is to know; what it does besides is in the command's `metaFlags`. */
export const getEntry: Operation = {
  name: 'getEntry',
  copies: 'home',
  idempotent: true,
  hasValue: false,
  missed: undefined,
  found: (entry) => (entry as ItemFacts | undefined)?.value !== undefined,
  write(command, writer) {
    writer.command('mg')
    writer.key(command.key, command.keyBytes)
    writer.token('v f c')
    // Before those that tell the time to live, so that they tell the new one.
    if (command.metaFlags !== '') writer.token(command.metaFlags)
    writer.token('t l h')
    writer.endLine()
  },
  read(command, answer): ItemFacts | Promise<ItemFacts> | undefined | typeof UNEXPECTED {
    if (answer.status === Status.miss) return undefined
    if (answer.status !== Status.value) return UNEXPECTED
    const { marks, ttl } = answer
    const facts: ItemFacts = {
      value: isPlaceholder(answer) ? undefined : command.codec.decode(answer, answer.flags),
      cas: BigInt(answer.cas),
      flags: answer.flags,
      size: answer.size,
      ttl: ttl < 0 ? undefined : ttl,
      idle: answer.idle,
      fetched: answer.fetched,
      stale: (marks & Mark.stale) !== 0,
      won: (marks & Mark.won) !== 0,
      taken: (marks & Mark.taken) !== 0,
    }
    const { value } = facts
    return value instanceof Promise ? value.then((value) => ({ ...facts, value })) : facts
  },
}

/** As `getEntry` that wins or makes a placeholder: asked twice, the first time would have won. */
export const getEntryToMake: Operation = { ...getEntry, idempotent: false }

export const META_COMMANDS = ['mg', 'ms', 'md', 'ma'] as const
export type MetaCommand = (typeof META_COMMANDS)[number]

/** The flags of each command, with their tokens; see memcached's doc/protocol.txt. */
interface MetaFlags {
  readonly mg: 'f' | 'h' | 'l' | 's' | 't' | 'u' | 'v' | Numbered<'E' | 'N' | 'R' | 'T'>
  readonly ms: 'I' | 's' | Numbered<'C' | 'E' | 'F' | 'N' | 'T'> | `M${'S' | 'E' | 'R' | 'A' | 'P'}`
  readonly md: 'I' | 'x' | Numbered<'C' | 'E' | 'T'>
  readonly ma: 't' | 'v' | Numbered<'C' | 'D' | 'E' | 'J' | 'N' | 'T'> | `M${'I' | 'D'}`
}
type Numbered<Letter extends string> = `${Letter}${number | bigint}`

export type MetaFlag<C extends MetaCommand> = MetaFlags[C] | 'b' | 'c' | 'k' | `O${string}`

export interface MetaAnswer {
  /** `HD`, `VA`, `EN`, `NF`, `NS` or `EX`. */
  readonly status: string
  /** The flags of the answer by their letters; '' for those without a token. */
  readonly flags: ReadonlyMap<string, string>
  /** The bytes after a `VA` line. */
  readonly value: Buffer | undefined
}

/** One meta command as it is written: `<command> <key> [<size>] <metaFlags>`. */
function verbatim(name: MetaCommand): Operation {
  return {
    name,
    idempotent: false,
    hasValue: name === 'ms',
    missed: { status: 'NF', flags: new Map(), value: undefined } satisfies MetaAnswer,
    write(command, writer) {
      const { data, metaFlags } = command
      const size = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
      writer.command(name)
      writer.key(command.key, command.keyBytes)
      if (name === 'ms') writer.number(size)
      if (metaFlags !== '') writer.token(metaFlags)
      writer.endLine()
      if (name === 'ms') writer.value(data, size)
    },
    read(command, answer): MetaAnswer | typeof UNEXPECTED {
      const { status } = answer
      if (status > 0xffff) return UNEXPECTED
      return {
        status: String.fromCharCode(status >> 8, status & 0xff),
        flags: flagsOf(answer, command.metaFlags),
        value: status === Status.value ? answer.bytes() : undefined,
      }
    },
  }
}

export const verbatimOperations: Readonly<Record<MetaCommand, Operation>> = {
  mg: { ...verbatim('mg'), copies: 'home' },
  ms: verbatim('ms'),
  md: verbatim('md'),
  ma: verbatim('ma'),
}

/** An answer has the flags that were asked for, and those that nobody asks for. */
function flagsOf(answer: Answer, asked: string): ReadonlyMap<string, string> {
  const flags = new Map<string, string>()
  if (answer.status === Status.value || answer.status === Status.done) {
    for (const flag of asked.split(' ')) {
      const text = textOfFlag(answer, flag)
      if (text !== undefined) flags.set(flag, text)
    }
  }
  for (const other of answer.others.split(' ')) {
    if (other !== '') flags.set(other[0]!, other.slice(1))
  }
  if ((answer.marks & Mark.won) !== 0) flags.set('W', '')
  if ((answer.marks & Mark.stale) !== 0) flags.set('X', '')
  if ((answer.marks & Mark.taken) !== 0) flags.set('Z', '')
  return flags
}

function textOfFlag(answer: Answer, flag: string): string | undefined {
  switch (flag) {
    case 'f':
      return String(answer.flags)
    case 'c':
      return answer.cas
    case 't':
      return String(answer.ttl)
    case 'l':
      return String(answer.idle)
    case 'h':
      return answer.fetched ? '1' : '0'
    case 's':
      return String(answer.itemSize)
    default:
      return undefined
  }
}
