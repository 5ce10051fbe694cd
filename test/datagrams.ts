// A conversation by datagrams, byte for byte: frames as memcached's doc/protocol.txt defines them, and which
// datagrams come back. Knows frames, nothing of what the answers mean.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** One datagram as it came: the header's fields and what follows it. */
export interface Datagram {
  readonly id: number
  readonly sequence: number
  readonly total: number
  readonly reserved: number
  readonly payload: Buffer
}

export interface FrameFields {
  readonly id?: number
  readonly sequence?: number
  readonly total?: number
  readonly reserved?: number
}

const HEADER_BYTES = 8
const DEADLINE_MS = 40_000
const FENCE_ID = 0xfffe
const FENCE = 'mn\r\n'

export function frame(
  payload: string | Uint8Array,
  { id = 1, sequence = 0, total = 1, reserved = 0 }: FrameFields = {},
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  for (const [i, field] of [id, sequence, total, reserved].entries()) {
    header.writeUInt16BE(field, 2 * i)
  }
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  return Buffer.concat([header, bytes])
}

export class DatagramWire implements AsyncDisposable {
  readonly socket: Socket
  readonly #received: Datagram[] = []
  #changed: () => void = () => {}

  /** A socket that hears the server at this address alone; `from` binds it to a port of its own. */
  static async connect(
    server: { readonly host: string; readonly port: number },
    from: { readonly address: string; readonly port: number } | undefined = undefined,
  ): Promise<DatagramWire> {
    const wire = new DatagramWire(createSocket(server.host.includes(':') ? 'udp6' : 'udp4'))
    if (from !== undefined) {
      wire.socket.bind(from.port, from.address)
      await once(wire.socket, 'listening')
    }
    wire.socket.connect(server.port, server.host)
    await once(wire.socket, 'connect')
    return wire
  }

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('message', (bytes) => {
      this.#received.push({
        id: bytes.readUInt16BE(0),
        sequence: bytes.readUInt16BE(2),
        total: bytes.readUInt16BE(4),
        reserved: bytes.readUInt16BE(6),
        payload: bytes.subarray(HEADER_BYTES),
      })
      this.#changed()
    })
  }

  /** Sends these bytes, a frame or not. */
  send(bytes: Uint8Array): void {
    this.socket.send(bytes)
  }

  /** The same, and resolves when they are with the system. */
  sent(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.socket.send(bytes, (error) => (error ? reject(error) : resolve())),
    )
  }

  /**
   * Sends a request and a fence, and resolves to what came before the fence's answer. A server with one
   * thread (`-t 1`) answers in order, and on one machine nothing overtakes: so nothing is missed.
   */
  async ask(payload: string | Uint8Array, fields: FrameFields = {}): Promise<readonly Datagram[]> {
    return this.askBytes(frame(payload, fields))
  }

  /** As `ask`, with the bytes of the datagram as they are to be. */
  async askBytes(bytes: Uint8Array): Promise<readonly Datagram[]> {
    this.send(bytes)
    this.send(frame(FENCE, { id: FENCE_ID }))
    await this.until((received) => received.some(({ id }) => id === FENCE_ID))
    const all = this.take()
    return all.filter(({ id }) => id !== FENCE_ID)
  }

  /** As `ask`, with the messages put together. */
  async say(payload: string | Uint8Array): Promise<readonly string[]> {
    return messages(await this.ask(payload)).map((message) => message.toString('latin1'))
  }

  /** Everything that has come and was not taken. */
  take(): readonly Datagram[] {
    return this.#received.splice(0)
  }

  /** Resolves when what has come is as wanted. */
  async until(reached: (received: readonly Datagram[]) => boolean): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS
    while (!reached(this.#received)) {
      const left = deadline - Date.now()
      if (left <= 0) {
        const preview = this.#received.map(({ payload }) => payload.toString('latin1', 0, 40))
        throw new Error(`no answer in time; there was ${JSON.stringify(preview)}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }
}

/** What memcached sends for an answer that says nothing: no part of any message. */
export function isEmpty({ total, payload }: Datagram): boolean {
  return total === 0 && payload.length === 0
}

/** Puts the datagrams of each message together. @throws Error if one is missing or out of place. */
export function messages(datagrams: readonly Datagram[]): readonly Buffer[] {
  const whole: Buffer[] = []
  let parts: Buffer[] = []
  for (const datagram of datagrams) {
    if (isEmpty(datagram)) continue
    const { sequence, total, reserved, payload } = datagram
    if (sequence !== parts.length || sequence >= total || reserved !== 0) {
      throw new Error(`datagram ${sequence} of ${total} (${reserved}) where ${parts.length} is due`)
    }
    parts.push(payload)
    if (parts.length < total) continue
    whole.push(Buffer.concat(parts))
    parts = []
  }
  if (parts.length > 0) throw new Error(`a message ends after ${parts.length} datagrams`)
  return whole
}
