// Which version this is: the package's own, and that of the memcached it stands in for.
import { readFileSync } from 'node:fs'

export { MEMCACHED_VERSION } from '../protocol/context.ts'

// The package's file lies two directories up from the source as well as from its build.
const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

export const SERVER_VERSION: string = version
