// `memshard up` and the commands for one that is running: scale, restart, status, down. Reads flags, turns signals and
// lines of the terminal into changes of the formation. Knows no process.
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { ArgumentError } from '../errors.ts'
import { ask, type ControlRequest, controlPath, serveControl } from '../formation/control-socket.ts'
import { Formation, type NodeStatus } from '../formation/formation.ts'
import { serverCommand, shellCommand } from '../formation/node-command.ts'
import { prefixed } from '../formation/prefixed-lines.ts'
import { DEFAULT_PORT } from './command-line.ts'
import { Output } from './output.ts'
import { EXIT_DONE, type Surroundings } from './surroundings.ts'

export interface UpFlags {
  readonly nodes: number
  readonly memory: number
  readonly threads?: number
  readonly host: string
  readonly port?: number
  readonly file: string
  readonly command?: string
}

/** Resolves to the exit code when the formation has drained. `further` are arguments for every node. */
export async function runUp(
  flags: UpFlags,
  further: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { env, out, onTerminal, signal, stdin } = surroundings
  const colored = onTerminal && !env.NO_COLOR
  const show = (node: string | undefined, line: string): void =>
    void out(prefixed(node, line, { colored }))
  const file = resolve(flags.file)
  if (flags.command !== undefined && further.length > 0) {
    throw new ArgumentError('arguments for nodes stand in the --command, if there is one')
  }
  const formation = new Formation({
    command: flags.command === undefined ? serverCommand(further) : shellCommand(flags.command),
    host: flags.host,
    firstPort: flags.port ?? portFrom(env.PORT),
    memory: flags.memory,
    threads: flags.threads,
    file,
    wrote: show,
    tell: show,
  })
  const ended = new AbortController()
  signal.addEventListener('abort', () => ended.abort(), { once: true })
  const answer = async (request: ControlRequest): Promise<unknown> => {
    if (request.ask === 'scale') await formation.scale(request.count)
    else if (request.ask === 'restart') await formation.restart(request.node)
    else if (request.ask === 'stop') ended.abort()
    else if (request.ask !== 'status')
      throw new ArgumentError('ask for scale, restart, status or stop')
    return formation.status
  }
  const control = await serveControl(controlPath(file), answer)
  const typed = createInterface({ input: stdin })
  try {
    await formation.scale(flags.nodes)
    show(undefined, `the list of nodes is in ${file}`)
    // What is piped in is nobody's to type.
    if (onTerminal) {
      show(undefined, 'type scale <n>, restart <n>, status or stop')
      typed.on('line', (line) => void obey(line, answer, show))
    }
    await aborted(ended.signal)
    show(undefined, 'stops: nodes answer what they were asked')
  } finally {
    typed.close()
    control.close()
    await formation.stop()
  }
  return EXIT_DONE
}

async function obey(
  line: string,
  answer: (request: ControlRequest) => Promise<unknown>,
  show: (node: undefined, line: string) => void,
): Promise<void> {
  const [word = '', argument = ''] = line.trim().split(/\s+/)
  if (word === '') return
  try {
    const status = (await answer(requestOf(word, argument))) as readonly NodeStatus[]
    if (word !== 'status') return
    for (const { name, address, state, pid, restarts } of status) {
      show(undefined, `${name} ${address} ${state} pid ${pid ?? '-'} restarts ${restarts}`)
    }
  } catch (error) {
    show(undefined, (error as Error).message)
  }
}

function requestOf(word: string, argument: string): ControlRequest {
  switch (word) {
    case 'scale':
      return { ask: 'scale', count: Number(argument) }
    case 'restart':
      return { ask: 'restart', node: argument }
    case 'status':
    case 'stop':
      return { ask: word }
    default:
      throw new ArgumentError(`${word} is none of scale, restart, status and stop`)
  }
}

/** Asks the formation that runs with this file, and tells what it is like then. */
export async function askFormation(
  request: ControlRequest,
  { file, json }: { readonly file: string; readonly json: boolean },
  surroundings: Surroundings,
): Promise<number> {
  const status = (await ask(controlPath(resolve(file)), request)) as readonly NodeStatus[]
  const output = new Output(surroundings, json)
  if (request.ask !== 'stop') await output.table(status.map((node) => ({ ...node })))
  return EXIT_DONE
}

function portFrom(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT
  if (/^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536) return Number(text)
  throw new ArgumentError(`PORT, from the environment, is no port: ${text}`)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }))
}
