// How a node of a formation is started: our server's executable, or any command with places for its port and memory.
// Knows packages and command lines; starts nothing.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ArgumentError } from '../errors.ts'

export interface NodeCommand {
  readonly file: string
  readonly args: readonly string[]
  /** What asks it to answer what it was asked, and end. */
  readonly drainSignal: NodeJS.Signals
}

export interface NodeSettings {
  readonly host: string
  readonly port: number
  /** Mebibytes. */
  readonly memory: number
  readonly threads: number | undefined
}

/** Makes a node's command of its settings. */
export type CommandFor = (settings: NodeSettings) => NodeCommand

const WITHOUT_SERVER =
  'the nodes are those of @memshard/server, which is not installed: npm install @memshard/server, or give a --command'

/** `further` are arguments for every node. @throws ArgumentError when the package is not there. */
export function serverCommand(further: readonly string[]): CommandFor {
  const executable = serverExecutable()
  return ({ host, port, memory, threads }) => ({
    file: process.execPath,
    args: [
      ...[executable, '-l', host, '-p', String(port), '-m', String(memory)],
      ...(threads === undefined ? [] : ['-t', String(threads)]),
      ...further,
    ],
    drainSignal: 'SIGUSR1',
  })
}

function serverExecutable(): string {
  const { resolve } = createRequire(import.meta.url)
  try {
    const manifest = resolve('@memshard/server/package.json')
    return join(dirname(manifest), 'bin', 'memshard-server')
  } catch (cause) {
    throw new ArgumentError(WITHOUT_SERVER, { cause })
  }
}

/**
 * A shell's command with `{port}`, and with `{host}`, `{memory}` and `{threads}` where it wants them.
 * @throws ArgumentError when there is no place for the port: all nodes would have the same.
 */
export function shellCommand(template: string): CommandFor {
  if (!template.includes('{port}')) {
    throw new ArgumentError(`the command ${JSON.stringify(template)} has no place for the {port}`)
  }
  return (settings) => {
    const command = template.replace(/\{(host|port|memory|threads)\}/g, (_, name: string) =>
      String(settings[name as keyof NodeSettings] ?? ''),
    )
    // Becomes the command: signals reach it, and not a shell.
    return { file: 'sh', args: ['-c', `exec ${command}`], drainSignal: 'SIGTERM' }
  }
}

const SETPRIV = '/usr/bin/setpriv'

/** The same, ended by the system when the process that has started it dies without a word; where it can be had. */
export function boundToParent(command: NodeCommand): NodeCommand {
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return command
  return {
    ...command,
    file: SETPRIV,
    args: ['--pdeathsig', 'TERM', command.file, ...command.args],
  }
}
