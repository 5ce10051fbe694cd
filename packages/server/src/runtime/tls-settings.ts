// What the flags say of TLS (`-Z`, `-o ssl_*`): its settings, memcached's numbers for them, and what holds for all of
// them at once. Knows no file.
import type { SecureVersion } from 'node:tls'
import type { ClientCertificates } from '../transport/listeners.ts'

export interface TlsSettings {
  /** Paths, as given. */
  readonly chainPath: string | undefined
  /** Undefined: it is in the chain's file. */
  readonly keyPath: string | undefined
  readonly authoritiesPath: string | undefined
  readonly keyFormat: 'pem' | 'der'
  /** 0 to 3. */
  readonly verifyMode: number
  readonly ciphers: string | undefined
  readonly minVersion: SecureVersion
  readonly sessionsResumed: boolean
  /** Shown and of no effect: an answer is encrypted as it is written, in records of OpenSSL's size. */
  readonly writeBufferBytes: number
  readonly kernelTlsWanted: boolean
}

export const DEFAULT_TLS: TlsSettings = Object.freeze({
  chainPath: undefined,
  keyPath: undefined,
  authoritiesPath: undefined,
  keyFormat: 'pem',
  verifyMode: 0,
  ciphers: undefined,
  minVersion: 'TLSv1.2',
  sessionsResumed: false,
  writeBufferBytes: 16 * 1024,
  kernelTlsWanted: false,
})

/** By the numbers of `-o ssl_min_version`. */
export const TLS_VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** By the numbers of `-o ssl_verify_mode`; 3 adds that a client is asked once, and nobody is ever asked twice. */
export const VERIFY_MODES: readonly ClientCertificates[] = [
  'ignored',
  'optional',
  'required',
  'required',
]

/** The lines of `stats settings`. */
export function describeTls(tls: TlsSettings): readonly (readonly [string, string])[] {
  const minVersion = tls.minVersion === 'TLSv1' ? 'TLSv1.0' : tls.minVersion
  return [
    ['ssl_enabled', 'yes'],
    ['ssl_chain_cert', tls.chainPath ?? '(null)'],
    ['ssl_key', tls.keyPath ?? '(null)'],
    ['ssl_verify_mode', `${OPENSSL_VERIFY[tls.verifyMode]}`],
    ['ssl_keyformat', tls.keyFormat === 'pem' ? '1' : '2'],
    ['ssl_ciphers', tls.ciphers ?? 'NULL'],
    ['ssl_ca_cert', tls.authoritiesPath ?? 'NULL'],
    ['ssl_wbuf_size', `${tls.writeBufferBytes}`],
    ['ssl_session_cache', tls.sessionsResumed ? 'yes' : 'no'],
    ['ssl_kernel_tls', tls.kernelTlsWanted ? 'yes' : 'no'],
    ['ssl_min_version', minVersion.toLowerCase()],
  ]
}

/** memcached prints OpenSSL's bits: SSL_VERIFY_PEER, FAIL_IF_NO_PEER_CERT, CLIENT_ONCE. */
const OPENSSL_VERIFY = [0, 1, 1 | 2, 1 | 2 | 4]
