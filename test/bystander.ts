// A client that does nothing wrong, in a process of its own: stores and reads its own values over a few connections,
// one request after the other, and tells how long each took and whether an answer was anybody else's. Spoken to by
// abuse.ts; knows nothing of the abuse that goes on meanwhile.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'

export interface BystanderOptions {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  /** So many that each thread of the server has one. */
  readonly connections: number
}

/** What was seen since the last report. */
export interface BystanderReport {
  /** Of every request, in milliseconds. */
  readonly latencies: readonly number[]
  /** Values that were no longer there. */
  readonly misses: number
  /** Stores that the server had no memory for. */
  readonly refusals: number
  /** Answers that are none to what was asked, and connections that ended. Empty, or something is broken. */
  readonly wrong: readonly string[]
}

/** Between two requests of a connection, so that it measures and doesn't load. */
const PAUSE_MS = 2
const MAX_WRONG = 20

const latencies: number[] = []
const wrong: string[] = []
let misses = 0
let refusals = 0

async function serve({ host, port, secure, connections }: BystanderOptions): Promise<void> {
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = secure
        ? connectTls({ host, port, rejectUnauthorized: false })
        : connect({ host, port })
      socket.setNoDelay(true)
      await once(socket, secure ? 'secureConnect' : 'connect')
      return socket
    }),
  )
  process.on('message', () => {
    const report: BystanderReport = {
      latencies: latencies.splice(0),
      misses,
      refusals,
      wrong: wrong.splice(0),
    }
    misses = 0
    refusals = 0
    process.send?.(report)
  })
  process.send?.('ready')
  await Promise.all(sockets.map((socket, i) => visit(new Conversation(socket), i)))
}

/** For as long as the process lives, or the connection. */
async function visit(conversation: Conversation, number: number): Promise<void> {
  for (let n = 0; ; n++) {
    const key = `bystander-${process.pid}-${number}-${n % 10}`
    const value = `${key} ${n} `.padEnd(50 + (n % 400), '.')
    try {
      const stored = await conversation.ask(
        `set ${key} 0 0 ${value.length}\r\n${value}\r\n`,
        /\r\n$/,
      )
      if (/^SERVER_ERROR out of memory/.test(stored)) refusals++
      else if (stored !== 'STORED\r\n') note(`set: ${stored}`)
      const found = await conversation.ask(`get ${key}\r\n`, /END\r\n$|ERROR.*\r\n$/)
      if (found === 'END\r\n') misses++
      else if (found !== `VALUE ${key} 0 ${value.length}\r\n${value}\r\nEND\r\n`)
        note(`get: ${found}`)
    } catch (error) {
      note(String(error))
      return
    }
    await sleep(PAUSE_MS)
  }
}

function note(text: string): void {
  if (wrong.length < MAX_WRONG) wrong.push(text.slice(0, 300))
}

class Conversation {
  readonly #socket: Socket
  #text = ''
  #changed: () => void = () => {}
  #end: Error | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#text += text
      this.#changed()
    })
    socket.on('error', (error) => this.#over(error))
    socket.on('close', () => this.#over(new Error('the connection was closed')))
  }

  async ask(request: string, ending: RegExp): Promise<string> {
    const begun = performance.now()
    this.#socket.write(request)
    while (!ending.test(this.#text)) {
      if (this.#end !== undefined) throw this.#end
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    latencies.push(performance.now() - begun)
    const answer = this.#text
    this.#text = ''
    return answer
  }

  #over(error: Error): void {
    this.#end ??= error
    this.#changed()
  }
}

process.once('disconnect', () => process.exit())
await serve(JSON.parse(process.argv[2] ?? '') as BystanderOptions)
