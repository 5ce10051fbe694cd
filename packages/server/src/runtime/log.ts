// The server's log: an event stream on stdout, JSON lines when it is piped, readable on a terminal, with priorities for
// systemd's journal.
// Knows levels and streams; what is worth a line is said where it happens.
import { createRequire } from 'node:module'
import type { DestinationStream, Logger } from 'pino'
import { isJournal, PRIORITY, type Priority } from './journal.ts'
import type { LogLevel, Settings } from './settings.ts'

export interface Log extends Readonly<Record<LineLevel, WriteLine>> {
  /** Lines below it are not written; may change at any time. */
  level: LogLevel
}

type LineLevel = Exclude<LogLevel, 'silent'>

interface WriteLine {
  (message: string | Error): void
  (fields: object, message: string): void
}

/** Where log lines go; `isTTY` asks for readable ones. */
export interface LogStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const STDOUT_FD = 1
const WEIGHTS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/**
 * A log of the lines at `settings.logLevel` and above. A line is written before its call returns: a
 * cache logs little, and the last line before an exit is the one that is wanted. Most servers have nothing to
 * say when they start, so pino is loaded for the first line.
 */
export function createLog({ logLevel }: Pick<Settings, 'logLevel'>, stream?: LogStream): Log {
  let logger: Logger | undefined
  const lines = (level: LineLevel): WriteLine => {
    return (first: unknown, message?: string): void => {
      if (WEIGHTS.indexOf(level) < WEIGHTS.indexOf(log.level)) return
      logger ??= openLogger(stream)
      if (message === undefined) logger[level](first)
      else logger[level](first, message)
    }
  }
  const log: Log = {
    level: logLevel,
    trace: lines('trace'),
    debug: lines('debug'),
    info: lines('info'),
    warn: lines('warn'),
    error: lines('error'),
    fatal: lines('fatal'),
  }
  return log
}

const load = createRequire(import.meta.url)

function openLogger(stream: LogStream | undefined): Logger {
  const { pino, stdTimeFunctions, destination }: typeof import('pino') = load('pino')
  const sink = stream ?? destination({ dest: STDOUT_FD, sync: true })
  return pino(
    {
      level: 'trace',
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream === undefined && isJournal(STDOUT_FD, process.env)
      ? withPriorities(sink)
      : readableOnTerminal(stream, sink),
  )
}

const PRIORITIES: Readonly<Record<LineLevel, Priority>> = {
  trace: PRIORITY.debug,
  debug: PRIORITY.debug,
  info: PRIORITY.info,
  warn: PRIORITY.warning,
  error: PRIORITY.error,
  fatal: PRIORITY.critical,
}

/** Where each line of ours has its level. */
const LEVEL = /^\{"level":"(\w+)"/

/** The journal takes the priority off again: what it keeps are the lines as they are elsewhere. */
function withPriorities(sink: DestinationStream): DestinationStream {
  return {
    write(line) {
      const [, level = 'info'] = LEVEL.exec(line) ?? []
      sink.write(`<${PRIORITIES[level as LineLevel]}>${line}`)
    },
  }
}

function readableOnTerminal(
  stream: LogStream | undefined,
  sink: DestinationStream,
): DestinationStream {
  const onTerminal = (stream ?? process.stdout).isTTY === true
  if (!onTerminal) return sink
  // Loaded for a terminal alone, since it takes longer to load than pino itself; and its formatter rather
  // than its stream, which would write a tick later.
  const pretty: typeof import('pino-pretty') = load('pino-pretty')
  const readable = pretty.prettyFactory({
    ignore: 'pid',
    translateTime: 'SYS:HH:MM:ss.l',
  })
  return { write: (line) => void sink.write(readable(line)) }
}
