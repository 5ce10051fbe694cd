// How a running formation is asked for something: a unix socket beside its list of nodes, a line of JSON each way. Knows
// the lines, not what is asked.
import { rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { ArgumentError } from '../errors.ts'

/** What can be asked. */
export type ControlRequest =
  | { readonly ask: 'scale'; readonly count: number }
  | { readonly ask: 'restart'; readonly node: string }
  | { readonly ask: 'status' }
  | { readonly ask: 'stop' }

export type ControlAnswer =
  | { readonly done: unknown; readonly error?: never }
  | { readonly error: string }

const MAX_LINE_CHARACTERS = 4096

/** A path of a unix socket has about a hundred bytes at most. */
export function controlPath(file: string): string {
  return `${file}.control`
}

/**
 * Answers whoever asks. Rejects when another formation does so already.
 * @throws ArgumentError
 */
export async function serveControl(
  path: string,
  answer: (request: ControlRequest) => Promise<unknown>,
): Promise<Server> {
  const other = await ask(path, { ask: 'status' }).catch(() => undefined)
  if (other !== undefined) {
    throw new ArgumentError(`a formation is running here already: ask it by ${path}`)
  }
  rmSync(path, { force: true })
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    readLine(socket)
      .then(async (line) => ({ done: (await answer(JSON.parse(line))) ?? null }))
      .catch((error: Error) => ({ error: error.message }))
      .then((said: ControlAnswer) => socket.end(`${JSON.stringify(said)}\n`))
  })
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new ArgumentError(`${path} can't be opened: ${cause.message}`, { cause }))
    })
    server.listen(path, () => resolve(server))
  })
}

/** Asks the formation of that path. @throws ArgumentError when there is none, or when it refuses. */
export async function ask(path: string, request: ControlRequest): Promise<unknown> {
  const socket = connect(path)
  const answer = readLine(socket).catch((cause: Error) => {
    throw new ArgumentError(`no formation answers at ${path}: ${cause.message}`, { cause })
  })
  socket.write(`${JSON.stringify(request)}\n`)
  const said = JSON.parse(await answer) as ControlAnswer
  if (said.error !== undefined) throw new ArgumentError(said.error)
  return said.done
}

function readLine(socket: Socket): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    socket.setEncoding('utf8')
    socket.on('data', (more: string) => {
      text += more
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
      else if (text.length > MAX_LINE_CHARACTERS) socket.destroy(new Error('too long a line'))
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
  })
}
