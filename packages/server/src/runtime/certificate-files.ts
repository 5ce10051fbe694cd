// Reads the files of `-o ssl_chain_cert`, `ssl_key` and `ssl_ca_cert` and finds out whether they can be used, before
// anybody is served by them. Knows files and what Node's TLS makes of them; memcached's words for what is wrong.
import { createPrivateKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { CertificateMaterial } from '../transport/certificates.ts'
import type { TlsSettings } from './tls-settings.ts'

/** The certificates can't be used; the message says which file and why. */
export class CertificateError extends Error {
  readonly code = 'ERR_MEMSHARD_CERTIFICATE'
}

export type ReadCertificates = (tls: TlsSettings) => CertificateMaterial

const TICKET_KEYS_BYTES = 48

/** @throws CertificateError */
export function readCertificates(tls: TlsSettings): CertificateMaterial {
  const { chainPath, keyPath = chainPath, authoritiesPath, minVersion, ciphers } = tls
  if (chainPath === undefined || keyPath === undefined) {
    throw new CertificateError(
      'Error loading the certificate chain: none is given, TLS (-Z) needs -o ssl_chain_cert=<file>',
    )
  }
  const chainFails = `Error loading the certificate chain: ${chainPath} : `
  const certificate = attempt(chainFails, () => readFileSync(chainPath, 'utf8'))
  const leaf = attempt(chainFails, () => new X509Certificate(certificate))
  attempt(chainFails, () => createSecureContext({ cert: certificate }))

  const keyFails = `Error loading the key: ${keyPath} : `
  const keyBytes = attempt(keyFails, () => readFileSync(keyPath))
  const key = attempt(keyFails, () => readKey(keyBytes, tls))
  if (!leaf.checkPrivateKey(key)) {
    throw new CertificateError(
      `Error validating the certificate: ${chainPath} is not for the key in ${keyPath}`,
    )
  }

  const authoritiesFail = `Error loading the CA certificate: ${authoritiesPath} : `
  let authorities: string | undefined
  if (authoritiesPath !== undefined) {
    authorities = attempt(authoritiesFail, () => readFileSync(authoritiesPath, 'utf8'))
    attempt(authoritiesFail, () => new X509Certificate(authorities ?? ''))
  }
  const keyText = key.export({ type: 'pkcs8', format: 'pem' }).toString()
  if (ciphers !== undefined) {
    attempt(`Error setting the provided cipher(s): ${ciphers} : `, () =>
      createSecureContext({ ciphers, minVersion }),
    )
  }
  attempt('Error validating the certificate: ', () =>
    createSecureContext({ cert: certificate, key: keyText, ca: authorities, ciphers, minVersion }),
  )
  const ticketKeys = randomBytes(TICKET_KEYS_BYTES).toString('base64')
  return { certificate, key: keyText, authorities, ticketKeys }
}

/** What an operator should know of a certificate that can be used. */
export function certificateWarning({ certificate }: CertificateMaterial): string | undefined {
  const { validFrom, validTo } = new X509Certificate(certificate)
  const now = Date.now()
  if (now > Date.parse(validTo)) return `the certificate (ssl_chain_cert) has expired: ${validTo}`
  if (now < Date.parse(validFrom)) {
    return `the certificate (ssl_chain_cert) is not valid before ${validFrom}`
  }
  return undefined
}

function readKey(bytes: Buffer, { keyFormat }: TlsSettings): KeyObject {
  if (keyFormat === 'pem') {
    if (bytes.includes('ENCRYPTED'))
      throw new Error('it is encrypted: give it without a passphrase')
    return createPrivateKey(bytes)
  }
  let failure: unknown
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: bytes, format: 'der', type })
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

function attempt<Result>(failure: string, act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    throw new CertificateError(failure + (error instanceof Error ? error.message : String(error)))
  }
}
