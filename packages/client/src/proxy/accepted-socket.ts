// Reading from the sockets that clients have opened: all into one buffer that they share, where Node would allocate one for
// each read, which costs more than the read itself. Node offers that (`onread`) for the sockets that it opens alone, so the
// handle of the accepted one goes on in a socket made for it. Knows nothing of what is read.
import { type OnReadOpts, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** Takes `chunk[0..length)`, which is overwritten by the next read of whichever client. */
export type BytesReceiver = (chunk: Buffer, length: number) => void

/** Only what is read into takes memory. */
const READ_BYTES = 256 * 1024
const shared = Buffer.allocUnsafeSlow(READ_BYTES)

/** The socket that is to be used from here on. It gives its bytes to the receiver, and has no `data` events. */
export function receiving(accepted: Socket, receive: BytesReceiver): Socket {
  const handle = accepted instanceof TLSSocket ? undefined : takeHandle(accepted)
  if (handle === undefined) return accepted.on('data', (chunk) => receive(chunk, chunk.length))
  const onread: OnReadOpts = {
    buffer: shared,
    callback(length, buffer) {
      receive(buffer as Buffer, length)
      return true
    },
  }
  // A client that has said all may still wait for answers.
  const options = { handle, allowHalfOpen: true, onread }
  return new Socket(options).resume()
}

/** What Node has had under this name since 0.10 without documenting it. Undefined where there is no such thing. */
function takeHandle(accepted: Socket): object | undefined {
  const owner = accepted as unknown as { _handle?: object | null }
  const handle = owner._handle ?? undefined
  if (handle === undefined) return undefined
  owner._handle = null
  accepted.destroy()
  return handle
}
