// The lines of one node in answer to one command, as long as it sends any: for listings and watching, which the
// client's calls are not for. Knows sockets and line ends, not what the lines say.
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { ConnectionError, ServerError } from '../errors.ts'
import type { NodeAddress } from '../node/address.ts'

const REFUSAL = /^(?:ERROR|CLIENT_ERROR|SERVER_ERROR|BUSY|BADCLASS|NOTFOUND)\b/

/**
 * Sends `command` and yields every line until `last`, or until the signal aborts.
 * @throws ConnectionError when the node can't be reached, is silent for so many milliseconds (undefined: may be for
 *   ever) or closes the connection before the end; ServerError when it refuses the command.
 */
export async function* linesOf(
  node: NodeAddress,
  command: string,
  { last, silence, signal }: { last?: string; silence: number | undefined; signal: AbortSignal },
): AsyncGenerator<string, void> {
  const { name, host, port, path } = node
  const socket = connect(path === '' ? { host, port } : { path })
  // Once it is connected, a watcher may wait for ever.
  socket.setTimeout(silence ?? 0, () => socket.destroy(new Error(`silent for ${silence} ms`)))
  const stop = (): void => void socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  let failure: Error | undefined
  socket.on('error', (error) => {
    failure = error
  })
  try {
    await once(socket, 'connect', { signal })
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
    // Of itself it ends with the stream only, which one that is destroyed does not reach.
    socket.once('close', () => lines.close())
    socket.write(`${command}\r\n`)
    for await (const line of lines) {
      if (line === last) return
      if (REFUSAL.test(line)) {
        throw new ServerError(`${name} refused "${command}": ${line}`, { node: name })
      }
      yield line
    }
    if (signal.aborted) return
    throw failure ?? new Error('the node closed the connection')
  } catch (cause) {
    if (signal.aborted) return
    if (cause instanceof ServerError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConnectionError(`connection to ${name} failed: ${reason}`, { node: name, cause })
  } finally {
    signal.removeEventListener('abort', stop)
    socket.destroy()
  }
}
