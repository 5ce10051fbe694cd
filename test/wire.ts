// A conversation over a raw socket, byte for byte: what is sent, what comes back, and when it is over.
// Knows just enough of the protocol to find the end of an answer; nothing of what the answers mean.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'

/** Where a server listens. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string }

const NOTHING = Buffer.alloc(0)
const DEADLINE_MS = 40_000

export class Wire implements AsyncDisposable {
  readonly socket: Socket
  #chunks: Buffer[] = []
  #length = 0
  #ended = false
  #error: Error | undefined
  #changed: () => void = () => {}
  #fences = 0

  /** Resolves when connected. */
  static async connect(endpoint: Endpoint): Promise<Wire> {
    const socket =
      'path' in endpoint
        ? connect({ path: endpoint.path, allowHalfOpen: true })
        : connect({ host: endpoint.host, port: endpoint.port, allowHalfOpen: true })
    const wire = new Wire(socket.setNoDelay(true))
    await once(socket, 'connect')
    return wire
  }

  /** The same over TLS; resolves when hands are shaken, which a server that refuses a certificate may still undo. */
  static async secure(
    { port }: { readonly port: number },
    options: ConnectionOptions,
  ): Promise<Wire & { readonly socket: TLSSocket }> {
    const host = '127.0.0.1'
    const below = connect({ host, port, allowHalfOpen: true }).setNoDelay(true)
    const socket = connectTls({ socket: below, host, ...options })
    const wire = new Wire(socket)
    await once(socket, 'secureConnect')
    return wire as Wire & { readonly socket: TLSSocket }
  }

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (data) => {
      this.#chunks.push(data)
      this.#length += data.length
      this.#changed()
    })
    socket.on('end', () => {
      this.#ended = true
      this.#changed()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#changed()
    })
    socket.on('error', (error) => {
      this.#error = error
      this.#changed()
    })
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Resolves when the system has taken all that was sent. */
  sent(): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(Buffer.alloc(0), () => resolve())
    })
  }

  /**
   * Sends the request and a fence, and resolves to the answer before the fence's. The fence is the
   * delete of a key that nobody has, with a number that comes back. The request must leave the server
   * at the beginning of a line.
   */
  async ask(request: string | Uint8Array): Promise<Buffer> {
    const number = `fence-${++this.#fences}`
    this.send(request)
    this.send(`md ${number} O${number}\r\n`)
    const fence = `NF O${number}\r\n`
    return (await this.readUntil(fence)).subarray(0, -fence.length)
  }

  /** As `ask`, in Latin-1. */
  async say(request: string | Uint8Array): Promise<string> {
    return (await this.ask(request)).toString('latin1')
  }

  /** Takes exactly that many bytes. */
  async read(length: number): Promise<Buffer> {
    await this.#until(() => this.#length >= length, `${length} bytes`)
    const all = this.#take()
    if (all.length > length) {
      this.#chunks = [all.subarray(length)]
      this.#length = all.length - length
    }
    return all.subarray(0, length)
  }

  /** Takes everything that has come, once it ends with that text. */
  async readUntil(ending: string): Promise<Buffer> {
    const isComplete = (): boolean =>
      this.#joined().subarray(-ending.length).toString('latin1') === ending
    await this.#until(isComplete, `answer ending ${JSON.stringify(ending)}`)
    return this.#take()
  }

  /** Takes everything up to the end: the server has closed the connection, or reset it. */
  async readToEnd(): Promise<Buffer> {
    await this.#until(() => this.#ended || this.#error !== undefined, 'the end', true)
    return this.#take()
  }

  /** Whether nothing further will come. */
  get over(): boolean {
    return this.#ended || this.#error !== undefined
  }

  /** Bytes that have come and were not taken. */
  get waiting(): number {
    return this.#length
  }

  /** Says that nothing further will be sent; answers still come. */
  end(): void {
    this.socket.end()
  }

  /** Vanishes, with a reset if there is something unread. */
  destroy(): void {
    this.socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.destroy()
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? NOTHING
  }

  #take(): Buffer {
    const all = this.#joined()
    this.#chunks = []
    this.#length = 0
    return all
  }

  async #until(reached: () => boolean, what: string, endIsFine = false): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS
    while (!reached()) {
      const gone = this.#error ?? (this.#ended && !endIsFine ? new Error('it ended') : undefined)
      if (gone !== undefined && !endIsFine) {
        throw new Error(`waiting for ${what}: ${gone.message}; there was ${this.#preview()}`)
      }
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`no ${what} in time; there was ${this.#preview()}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  #preview(): string {
    const bytes = this.#joined()
    return `${bytes.length} bytes ${JSON.stringify(bytes.subarray(0, 300).toString('latin1'))}`
  }
}

/** `stats`, or with an argument another report, as a map. */
export async function statistics(
  endpoint: Endpoint,
  what = '',
): Promise<ReadonlyMap<string, string>> {
  await using wire = await Wire.connect(endpoint)
  const text = await wire.say(what === '' ? 'stats\r\n' : `stats ${what}\r\n`)
  return new Map(
    text
      .split('\r\n')
      .filter((line) => line.startsWith('STAT '))
      .map((line) => {
        const [, name = '', value = ''] = /^STAT (\S+) (.*)$/.exec(line) ?? []
        return [name, value]
      }),
  )
}

/** One number of `stats`. */
export async function statistic(endpoint: Endpoint, name: string): Promise<number> {
  return Number((await statistics(endpoint)).get(name))
}
