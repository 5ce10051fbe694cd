// How to speak TLS to a server, as plain text that a thread can be handed. Knows no load.
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { BenchError } from '../errors.ts'

export interface TlsSettings {
  /** PEM; undefined: the certificates that Node trusts. */
  readonly ca: string | undefined
  /** False accepts any certificate. */
  readonly verify: boolean
}

/** Reads the file of certificates. Throws a BenchError where there is none. */
export function tlsSettings(caFile: string | undefined, verify: boolean): TlsSettings {
  if (caFile === undefined) return { ca: undefined, verify }
  try {
    return { ca: readFileSync(caFile, 'utf8'), verify }
  } catch (cause) {
    throw new BenchError('USAGE', `--tls-ca: ${caFile} cannot be read`, { cause })
  }
}

export function tlsOptions({ ca, verify }: TlsSettings): ConnectionOptions {
  return { ...(ca !== undefined && { ca }), rejectUnauthorized: verify }
}
