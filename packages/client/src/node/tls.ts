// TLS as users ask for it, made ready: certificates are read once, not with every connection.
// Knows no address.
import { type ConnectionOptions, createSecureContext } from 'node:tls'
import { ArgumentError } from '../errors.ts'

/**
 * True: with the certificate authorities that Node knows. Otherwise what `tls.connect` of Node takes: `ca`,
 * `cert` and `key`, `servername`, `rejectUnauthorized`, ... (its `host`, `port`, `path` and `socket` mean nothing here.)
 */
export type TlsOptions = boolean | ConnectionOptions

/** @throws ArgumentError when Node cannot use the certificates. */
export function parseTls(tls: TlsOptions): ConnectionOptions | false {
  if (tls === false) return false
  const options = tls === true ? {} : tls
  try {
    return { ...options, secureContext: options.secureContext ?? createSecureContext(options) }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ArgumentError(`tls cannot be used: ${reason}`, { cause })
  }
}
