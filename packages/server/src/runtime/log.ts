// The server's log: an event stream on stdout, JSON lines when it is piped, readable on a terminal.
// Knows levels and streams; what is worth a line is said where it happens.
import { createRequire } from 'node:module'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import type { Settings } from './settings.ts'

export type Log = Logger

/** Where log lines go; `isTTY` asks for readable ones. */
export interface LogStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const STDOUT_FD = 1

/**
 * A log of the lines at `settings.logLevel` and above. A line is written before its call returns: a
 * cache logs little, and the last line before an exit is the one that is wanted.
 */
export function createLog(settings: Pick<Settings, 'logLevel'>, stream?: LogStream): Log {
  return pino(
    {
      level: settings.logLevel,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination(stream),
  )
}

function destination(stream: LogStream | undefined): DestinationStream {
  const sink = stream ?? pino.destination({ dest: STDOUT_FD, sync: true })
  const onTerminal = (stream ?? process.stdout).isTTY === true
  if (!onTerminal) return sink
  // Loaded for a terminal alone, since it takes longer to load than pino itself; and its formatter rather
  // than its stream, which would write a tick later.
  const pretty: typeof import('pino-pretty') = createRequire(import.meta.url)('pino-pretty')
  const readable = pretty.prettyFactory({
    colorize: pretty.isColorSupported,
    ignore: 'pid',
    translateTime: 'SYS:HH:MM:ss.l',
  })
  return { write: (line) => void sink.write(readable(line)) }
}
