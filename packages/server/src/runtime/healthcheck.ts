// `--healthcheck`: one round trip to the server that the same flags have started, for supervisors that have nothing but
// its executable. Knows no process but through its socket.
import { alive, type Health } from '../admin/health.ts'
import { endpointOf, greetingOf, isSecure } from './administered-node.ts'
import type { Settings } from './settings.ts'

/** A process takes a while to start; this is for the answer alone. */
const DEADLINE_MS = 2_000

export async function checkHealth(settings: Settings): Promise<Health> {
  const { unixSocketPath, tcpAddresses } = settings
  // One in clear text answers sooner.
  const clear = tcpAddresses.find((one) => one.clientCertificates === undefined)
  const { host = '127.0.0.1', port } = clear ?? tcpAddresses[0] ?? {}
  const address = unixSocketPath ?? (port === undefined ? undefined : `[${host}]:${port}`)
  const endpoint = endpointOf(address === undefined ? [] : [address])
  if (endpoint === undefined || port === 0) {
    return {
      well: false,
      reason: 'which server? give it the -p, -l or -s that it was started with',
    }
  }
  const unknown = { unready: () => undefined, accepting: () => true, roundTrip: () => {} }
  const secure = unixSocketPath === undefined && isSecure(settings)
  return alive({ endpoint, secure, greeting: greetingOf(settings), ...unknown }, DEADLINE_MS)
}
