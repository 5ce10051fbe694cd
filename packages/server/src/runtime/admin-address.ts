// Reads `--admin`: where the admin page is. Knows addresses; opens nothing.
import { isIPv6 } from 'node:net'
import type { AdminAddress } from '../admin/admin-server.ts'
import { CommandLineError, EX_USAGE } from './option-values.ts'

/**
 * `host:port`, `[v6]:port`, `*:port` for every interface, or a port alone, which is for this machine.
 * @throws CommandLineError
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

function refusal(text: string): CommandLineError {
  return new CommandLineError(
    `The admin address (--admin) must be <host>:<port>, [<ipv6>]:<port>, *:<port> or a port of this machine, not "${text}".`,
    EX_USAGE,
  )
}
