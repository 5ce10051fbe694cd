// Which version this is: the package's own, and that of the memcached it stands in for.
import { readFileSync } from 'node:fs'

/** The memcached whose behaviour is the target; clients and tools are told this one. */
export const MEMCACHED_VERSION = '1.6.45'

// The package's file lies two directories up from the source as well as from its build.
const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

export const SERVER_VERSION: string = version
