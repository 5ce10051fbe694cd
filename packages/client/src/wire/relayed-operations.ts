// The commands that a proxy passes on, classic and meta, each asked as its client asked it, and answered with the
// bytes of the node. Gets are the exception: they are asked in lists, many clients' in one, which costs both sides least.
// Knows no client and no routing.
import { type Answer, Status } from './answer.ts'
import { type Command, NEXT, type Operation, UNEXPECTED } from './command.ts'
import type { CommandWriter } from './command-writer.ts'
import type { RelayedAnswer } from './relayed-answer.ts'

/** What came of a command that changes something whose node counts as empty: it was not carried out. */
export const NOT_CARRIED_OUT = Symbol('not carried out')

/** Keys in one line: more cost no less, and a line should fit into the buffers of a node. */
const LISTED_MAX = 100

export type RelayedAnswerOrNothing = RelayedAnswer | undefined

/** `get` or `gets`: the values that come are those of the first keys that they can be of; the others were missed. */
function listed(name: 'get' | 'gets'): Operation {
  return {
    name,
    idempotent: true,
    hasValue: false,
    missed: undefined,
    found: isFound,
    relayed: true,
    listed: LISTED_MAX,
    write(command, writer) {
      writer.command(name)
      writer.key(command.key, command.key.length)
    },
    read: readListed,
  }
}

function readListed(command: Command, answer: Answer): unknown {
  if (answer.status === Status.value) {
    return (answer as RelayedAnswer).isOf(command.key) ? answer : NEXT
  }
  return answer.status === Status.end || answer.status > Status.error ? NEXT : UNEXPECTED
}

/** What follows the values of a list, or an error in place of both. */
export const endOfList: Operation = {
  name: 'END',
  idempotent: true,
  hasValue: false,
  missed: undefined,
  relayed: true,
  write() {},
  read(_, { status }) {
    return status === Status.end || status > Status.error ? undefined : UNEXPECTED
  },
}

/** `gat` or `gats`: lists of one key, because others have other times. */
function touching(name: 'gat' | 'gats'): Operation {
  return {
    ...listed('get'),
    name,
    listed: 1,
    write(command, writer) {
      writer.command(name)
      writer.number(command.ttl ?? 0)
      writer.key(command.key, command.key.length)
    },
  }
}

function classic(
  name: string,
  options: { readonly idempotent: boolean; readonly hasValue?: boolean },
  writeRest: (command: Command, writer: CommandWriter) => void,
): Operation {
  return {
    name,
    idempotent: options.idempotent,
    hasValue: options.hasValue ?? false,
    missed: NOT_CARRIED_OUT,
    relayed: true,
    write(command, writer) {
      writer.command(name)
      writer.key(command.key, command.key.length)
      writeRest(command, writer)
    },
    read: (_, answer) => (isOutcome(answer.status) ? answer : UNEXPECTED),
  }
}

/** The data have their line end. */
function storing(name: string, idempotent: boolean): Operation {
  return classic(name, { idempotent, hasValue: true }, (command, writer) => {
    const { data } = command
    writer.number(command.flags)
    writer.number(command.ttl ?? 0)
    writer.number(data.length - 2)
    if (name === 'cas') writer.token(String(command.operand))
    writer.endLine()
    writer.payload(data, data.length)
  })
}

function counting(name: string): Operation {
  return classic(name, { idempotent: false }, (command, writer) => {
    writer.token(String(command.operand))
    writer.endLine()
  })
}

/** Any meta command with a key; its flags are in `metaFlags`, all but `q`, and its data have their line end. */
function meta(name: string, missed: unknown): Operation {
  const hasValue = name === 'ms'
  return {
    name,
    idempotent: false,
    hasValue,
    missed,
    relayed: true,
    ...(name === 'mg' && { found: isFound }),
    write(command, writer) {
      const { data, metaFlags } = command
      writer.command(name)
      writer.key(command.key, command.key.length)
      if (hasValue) writer.number(data.length - 2)
      if (metaFlags !== '') writer.token(metaFlags)
      writer.endLine()
      if (hasValue) writer.payload(data, data.length)
    },
    read: (_, answer) => (isMetaOutcome(answer.status) ? answer : UNEXPECTED),
  }
}

export const relayed = {
  get: listed('get'),
  gets: listed('gets'),
  gat: touching('gat'),
  gats: touching('gats'),
  set: storing('set', true),
  add: storing('add', false),
  replace: storing('replace', false),
  append: storing('append', false),
  prepend: storing('prepend', false),
  cas: storing('cas', false),
  delete: classic('delete', { idempotent: true }, (_, writer) => writer.endLine()),
  touch: classic('touch', { idempotent: true }, (command, writer) => {
    writer.number(command.ttl ?? 0)
    writer.endLine()
  }),
  incr: counting('incr'),
  decr: counting('decr'),
  mg: meta('mg', undefined),
  ms: meta('ms', NOT_CARRIED_OUT),
  md: meta('md', NOT_CARRIED_OUT),
  ma: meta('ma', NOT_CARRIED_OUT),
  me: meta('me', undefined),
} as const satisfies Record<string, Operation>

export type RelayedName = keyof typeof relayed

function isOutcome(status: number): boolean {
  return (
    status === Status.stored ||
    status === Status.positive ||
    status === Status.negative ||
    status > Status.error
  )
}

/** Two letters, or an error. */
function isMetaOutcome(status: number): boolean {
  return (status > Status.negative && status < 0x10000) || status > Status.error
}

function isFound(result: unknown): boolean {
  const status = (result as RelayedAnswerOrNothing)?.status
  return status === Status.value || status === Status.done
}
