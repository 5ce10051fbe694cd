// Reads where the admin port is to be. Knows addresses; opens nothing.
import { isIPv6 } from 'node:net'
import { ArgumentError } from '../../errors.ts'

export interface AdminAddress {
  /** A name or an address; undefined is every interface. */
  readonly host: string | undefined
  /** 0 lets the system choose. */
  readonly port: number
}

/**
 * `host:port`, `[v6]:port`, `*:port` for every interface, or a port alone, which is for this machine: as `--admin` of
 * the server.
 * @throws ArgumentError
 */
export function parseAdminAddress(text: string): AdminAddress {
  const [, host = '127.0.0.1', digits] = /^(?:(\[[^\]]+\]|[\w.-]+|\*):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) throw refusal(text)
  if (host === '*') return { host: undefined, port }
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (bare !== host && !isIPv6(bare)) throw refusal(text)
  return { host: bare, port }
}

function refusal(text: string): ArgumentError {
  return new ArgumentError(
    `${JSON.stringify(text)} is no admin address: write host:port, [ipv6]:port, *:port or a port of this machine`,
  )
}
