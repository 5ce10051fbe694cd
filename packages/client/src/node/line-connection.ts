// A connection to one node for answers of any length, a line at a time, read no faster than they are taken: no call waits
// behind them. Knows sockets, the login and line ends, not what the lines say.
import type { Socket } from 'node:net'
import { ProtocolError } from '../errors.ts'
import { connectionLost } from './connection-errors.ts'
import { loginMissing, loginRefused } from './login.ts'
import type { Transport } from './transport.ts'

export interface LineConnectionOptions {
  /** Milliseconds until a connection that is not established has failed. */
  readonly connectTimeout: number
  readonly login: Uint8Array | undefined
}

export interface LinesOptions {
  /** Ends the connection, and the lines with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds without a byte, while more is wanted, after which the node has failed. Undefined: it may be silent for ever. */
  readonly silence?: number | undefined
}

/** No node sends a longer one. */
const MAX_LINE_BYTES = 64 * 1024
const LF = 10
const CR = 13
const UNAUTHENTICATED = /^CLIENT_ERROR unauthenticated\b/

export class LineConnection {
  readonly #node: string
  readonly #socket: Socket
  readonly #chunks: AsyncIterator<Buffer>
  readonly #onEnd: () => void
  /** What has arrived and was not taken. */
  #rest: Buffer = Buffer.alloc(0)
  /** Why it was ended from here. */
  #failure: unknown

  private constructor(node: string, socket: Socket, onEnd: () => void) {
    this.#node = node
    this.#socket = socket
    this.#onEnd = onEnd
    this.#chunks = socket[Symbol.asyncIterator]()
    // Whoever reads is told; while nobody does, nobody need be.
    socket.on('error', () => {})
  }

  /**
   * Connects and logs in. `onBegin` is called at once, and `onEnd` when it is over, however.
   * @throws ConnectionError, AuthError, or the signal's reason.
   */
  static async open(
    node: string,
    transport: Transport,
    { connectTimeout, login }: LineConnectionOptions,
    signal?: AbortSignal,
    onBegin: (connection: LineConnection) => void = () => {},
    onEnd: (connection: LineConnection) => void = () => {},
  ): Promise<LineConnection> {
    signal?.throwIfAborted()
    let ready = (): void => {}
    const connected = new Promise<void>((resolve) => {
      ready = resolve
    })
    const socket = transport.open(undefined, () => ready())
    const connection: LineConnection = new LineConnection(node, socket, () => onEnd(connection))
    onBegin(connection)
    const late = `not connected within ${connectTimeout} ms`
    const timer = setTimeout(() => connection.fail(connectionLost(node, late)), connectTimeout)
    const abort = (): void => connection.fail(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([connected, connection.#closed()])
      if (login === undefined) return connection
      socket.write(login)
      const answer = await connection.#line({})
      if (answer !== 'STORED') throw loginRefused(node, answer)
      return connection
    } catch (error) {
      connection.close()
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  /**
   * Sends `command` and yields the lines of the answer, until the caller has seen enough. Who leaves before the answer's
   * last line has to close the connection.
   * @throws ConnectionError when the node closes it or is silent for too long, AuthError, ProtocolError, or the signal's reason.
   */
  async *ask(command: string, options: LinesOptions = {}): AsyncGenerator<string, never> {
    const { signal } = options
    const abort = (): void => this.fail(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      this.#socket.write(`${command}\r\n`)
      while (true) {
        const line = await this.#line(options)
        if (UNAUTHENTICATED.test(line)) throw loginMissing(this.#node, line)
        yield line
      }
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Ends it; whoever reads from it is told this. */
  fail(reason: unknown): void {
    this.#failure ??= reason
    this.close()
  }

  close(): void {
    this.#socket.destroy()
    this.#onEnd()
  }

  async #line({ silence }: LinesOptions): Promise<string> {
    let searched = 0
    while (true) {
      if (this.#failure !== undefined) throw this.#failure
      const end = this.#rest.indexOf(LF, searched)
      if (end >= 0) {
        const line = this.#rest.toString('utf8', 0, this.#rest[end - 1] === CR ? end - 1 : end)
        this.#rest = this.#rest.subarray(end + 1)
        return line
      }
      searched = this.#rest.length
      if (searched > MAX_LINE_BYTES) {
        throw new ProtocolError(`${this.#node} sent a line without an end`, { node: this.#node })
      }
      const chunk = await this.#chunk(silence)
      this.#rest = searched === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    }
  }

  async #chunk(silence: number | undefined): Promise<Buffer> {
    const silent = (): void => this.fail(connectionLost(this.#node, `silent for ${silence} ms`))
    const timer = silence === undefined ? undefined : setTimeout(silent, silence)
    try {
      const { value, done } = await this.#chunks.next()
      if (!done) return value
      throw new Error('the node closed the connection')
    } catch (cause) {
      throw this.#reasonOf(cause)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Rejects when the socket is closed before it is connected. */
  #closed(): Promise<never> {
    return new Promise((_, reject) => {
      this.#socket.once('error', (cause) => reject(this.#reasonOf(cause)))
      this.#socket.once('close', () => reject(this.#reasonOf(new Error('it was closed'))))
    })
  }

  #reasonOf(cause: unknown): unknown {
    if (this.#failure !== undefined) return this.#failure
    const reason = cause instanceof Error ? cause.message : String(cause)
    return connectionLost(this.#node, reason, cause)
  }
}
