// Every command of the client: its bytes, and what its answers mean. Keyed commands go out in the meta
// protocol: of 100 pipelined gets, memcached 1.6 answers classic ones in 53 packets (7.2 us of its CPU
// each) and meta ones in three (1.0 us), and a hit's answer is shorter. Knows no socket and no routing.
import { type Answer, Mark, Status } from './answer.ts'
import { type Command, MORE, type Operation, UNEXPECTED } from './command.ts'
import type { CommandWriter } from './command-writer.ts'
import { keyByteLength } from './key.ts'

export interface ValueAndToken {
  readonly value: unknown
  readonly cas: bigint
}

export const get: Operation = {
  name: 'get',
  copies: 'any',
  idempotent: true,
  hasValue: false,
  missed: undefined,
  found: (result) => result !== undefined,
  write(command, writer) {
    writer.command('mg')
    writer.key(command.key, command.keyBytes)
    writer.token('v')
    writer.token('f')
    writer.endLine()
  },
  read(command, answer) {
    if (answer.status === Status.value) {
      return isPlaceholder(answer) ? undefined : command.codec.decode(answer, answer.flags)
    }
    return answer.status === Status.miss ? undefined : UNEXPECTED
  },
}

/** Flags of an empty item which says that there is no value: `fetch` remembers so that a loader found none. */
export const NOTHING_FLAGS = 0x5a0f0000

/**
 * An empty item in the place of a value: one that somebody is making (`N`), or one that says there is none.
 * A miss for all others.
 */
export function isPlaceholder({ size, marks, flags }: Answer): boolean {
  return size === 0 && ((marks & (Mark.taken | Mark.won)) !== 0 || flags === NOTHING_FLAGS)
}

export const gets: Operation = {
  ...get,
  name: 'gets',
  copies: 'home',
  write(command, writer) {
    writer.command('mg')
    writer.key(command.key, command.keyBytes)
    writer.token('v f c')
    writer.endLine()
  },
  read(command, answer): ValueAndToken | Promise<ValueAndToken> | undefined | typeof UNEXPECTED {
    if (answer.status === Status.value) {
      if (isPlaceholder(answer)) return undefined
      const cas = BigInt(answer.cas)
      const value = command.codec.decode(answer, answer.flags)
      return value instanceof Promise ? value.then((value) => ({ value, cas })) : { value, cas }
    }
    return answer.status === Status.miss ? undefined : UNEXPECTED
  },
}

export const getAndTouch: Operation = {
  ...get,
  name: 'getAndTouch',
  copies: 'every',
  write(command, writer) {
    writer.command('mg')
    writer.key(command.key, command.keyBytes)
    writer.token('v f')
    writer.flag('T', command.ttl ?? 0)
    writer.endLine()
  },
}

export const gats: Operation = {
  ...gets,
  name: 'gats',
  write(command, writer) {
    writer.command('mg')
    writer.key(command.key, command.keyBytes)
    writer.token('v f c')
    writer.flag('T', command.ttl ?? 0)
    writer.endLine()
  },
}

export const touch: Operation = {
  name: 'touch',
  copies: 'every',
  idempotent: true,
  hasValue: false,
  missed: false,
  write(command, writer) {
    writer.command('mg')
    writer.key(command.key, command.keyBytes)
    writer.flag('T', command.ttl ?? 0)
    writer.endLine()
  },
  read(_, answer) {
    if (answer.status === Status.done) return true
    return answer.status === Status.miss ? false : UNEXPECTED
  },
}

/** `ms <key> <size> <flags>*`; `mode` is memcached's `M` flag, '' for a plain set. */
function storing(name: string, mode: string, idempotent: boolean): Operation {
  return {
    name,
    idempotent,
    hasValue: true,
    missed: false,
    write(command, writer) {
      const size = startStore(command, writer)
      if (mode !== '') writer.token(mode)
      if (command.metaFlags !== '') writer.token(command.metaFlags)
      writer.endLine()
      writer.value(command.data, size)
    },
    read(_, answer) {
      if (answer.status === Status.done) return true
      return answer.status === Status.notStored ? false : UNEXPECTED
    },
  }
}

function startStore(command: Command, writer: CommandWriter): number {
  const { data } = command
  const size = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
  writer.command('ms')
  writer.key(command.key, command.keyBytes)
  writer.number(size)
  if (command.flags !== 0) writer.flag('F', command.flags)
  if (command.ttl !== undefined) writer.flag('T', command.ttl)
  return size
}

export const set: Operation = { ...storing('set', '', true), copies: 'every' }
export const add = storing('add', 'ME', false)
export const replace = storing('replace', 'MR', false)
export const append = storing('append', 'MA', false)
export const prepend = storing('prepend', 'MP', false)

export const cas: Operation = {
  name: 'cas',
  idempotent: false,
  hasValue: true,
  missed: 'missing',
  write(command, writer) {
    const size = startStore(command, writer)
    writer.token(`C${command.operand}`)
    if (command.metaFlags !== '') writer.token(command.metaFlags)
    writer.endLine()
    writer.value(command.data, size)
  },
  read(_, answer) {
    switch (answer.status) {
      case Status.done:
        return 'stored'
      case Status.exists:
        return 'conflict'
      case Status.notFound:
        return 'missing'
      default:
        return UNEXPECTED
    }
  },
}

export const remove: Operation = {
  name: 'delete',
  copies: 'every',
  idempotent: true,
  hasValue: false,
  missed: false,
  write(command, writer) {
    writer.command('md')
    writer.key(command.key, command.keyBytes)
    if (command.metaFlags !== '') writer.token(command.metaFlags)
    writer.endLine()
  },
  read(_, answer) {
    if (answer.status === Status.done) return true
    // Another version than the one that was to be deleted is as good as none.
    return answer.status === Status.notFound || answer.status === Status.exists ? false : UNEXPECTED
  },
}

/** `md <key> I`: what is there stays for readers, marked as stale, and the next of them wins. */
export const invalidate: Operation = { ...remove, name: 'invalidate' }

/** `md <key> C<cas>`, of one version: done twice, the second finds another. */
export const removeVersion: Operation = { ...remove, idempotent: false }

/** Digits of 2^64. */
const COUNTER_MAX_BYTES = 20

/** `ma <key> <flags>*`: 64-bit unsigned; up wraps at 2^64, down stops at 0. */
function counting(name: string, mode: string): Operation {
  return {
    name,
    idempotent: false,
    hasValue: false,
    missed: undefined,
    write(command, writer) {
      writer.command('ma')
      writer.key(command.key, command.keyBytes)
      writer.token(mode)
      writer.token(`D${command.operand}`)
      if (command.initial !== undefined) {
        writer.token(`J${command.initial}`)
        writer.flag('N', command.ttl ?? 0)
      }
      writer.token('v')
      writer.endLine()
    },
    read(_, answer) {
      if (answer.status === Status.notFound) return undefined
      if (answer.status !== Status.value) return UNEXPECTED
      const text = answer.size <= COUNTER_MAX_BYTES ? answer.text() : ''
      if (!/^\d+ *$/.test(text)) return UNEXPECTED
      const number = Number(text)
      return Number.isSafeInteger(number) ? number : BigInt(text)
    },
  }
}

export const incr = counting('incr', 'MI')
export const decr = counting('decr', 'MD')

export const flush: Operation = {
  name: 'flush',
  idempotent: true,
  hasValue: false,
  missed: undefined,
  write(command, writer) {
    writer.command('flush_all')
    if (command.ttl !== undefined) writer.number(command.ttl)
    writer.endLine()
  },
  read: (_, answer) => (answer.status === Status.ok ? undefined : UNEXPECTED),
}

/** `invalidate_prefix <prefix>`, which memshard's nodes know and memcached's don't. */
export const invalidatePrefix: Operation = {
  name: 'invalidatePrefix',
  idempotent: true,
  hasValue: false,
  missed: undefined,
  write({ data }, writer) {
    writer.command('invalidate_prefix')
    if (typeof data === 'string') writer.key(data, keyByteLength(data))
    writer.endLine()
  },
  read: (_, answer) => (answer.status === Status.ok ? undefined : UNEXPECTED),
}

export const stats: Operation = {
  name: 'stats',
  idempotent: true,
  hasValue: false,
  missed: undefined,
  write({ data }, writer) {
    writer.command('stats')
    if (typeof data === 'string' && data !== '') writer.token(data)
    writer.endLine()
  },
  read(command, answer) {
    command.lines ??= new Map()
    if (answer.status === Status.stat) {
      const [, name = '', value = ''] = /^(?:STAT|ITEM) (\S+) ?(.*)$/.exec(answer.line) ?? []
      command.lines.set(name, value)
      return MORE
    }
    return answer.status === Status.end || answer.status === Status.reset
      ? command.lines
      : UNEXPECTED
  },
}

export const version: Operation = {
  name: 'version',
  idempotent: true,
  hasValue: false,
  missed: undefined,
  write(_, writer) {
    writer.command('version')
    writer.endLine()
  },
  read: (_, answer) =>
    answer.status === Status.version ? answer.line.slice('VERSION '.length) : UNEXPECTED,
}
