// A node for tests, inside the process that runs them: a whole server, as memcached's flags make it, on a port of
// its own. Over Node's sockets, because a thread that waits in the kernel would keep a test runner from ending it.
import { parseCommandLine } from './command-line.ts'
import { createLog } from './log.ts'
import { startServer } from './server.ts'
import { StartError } from './start-error.ts'

export interface TestNode extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  /** `host:port`, as clients take it. */
  readonly address: string
  /** Closes all connections and ends the node; its items are gone. */
  stop(): Promise<void>
}

const FLAGS = ['-l', '127.0.0.1', '-p', '-1', '-t', '1', '--transport', 'node']

/**
 * Starts a node on 127.0.0.1 and a free port, without a log; resolves when it serves.
 * @param flags further ones of `memshard-server`, as `'-m', '8'`; `-p` asks for a certain port.
 * @throws StartError when a flag makes no sense; ListenError when the port is taken.
 */
export async function startTestNode(...flags: readonly string[]): Promise<TestNode> {
  const command = parseCommandLine([...FLAGS, ...flags], {}, undefined)
  if (command.kind !== 'serve') {
    throw new StartError(
      command.kind === 'refuse' ? command.message : `${flags.join(' ')} prints, and serves nobody`,
    )
  }
  const server = await startServer(
    command.settings,
    createLog({ logLevel: 'silent' }, { write: () => {} }),
  )
  const port = Number(/:(\d+)$/.exec(server.addresses[0] ?? '')?.[1])
  const stop = (): Promise<void> => {
    server.stop(false)
    return server.closed
  }
  return {
    host: '127.0.0.1',
    port,
    address: `127.0.0.1:${port}`,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
