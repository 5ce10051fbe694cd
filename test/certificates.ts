// A certificate authority for the length of a test, and certificates by it. Knows openssl's command line.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Authority extends Disposable {
  /** Its own certificate, in PEM. */
  readonly ca: Buffer
  readonly caPath: string
  /** Makes a certificate for these names, as openssl writes them: `DNS:localhost,IP:127.0.0.1`. */
  issue(names: string): Certificate
}

export interface Certificate {
  /** Paths, as memcached takes them. */
  readonly certPath: string
  readonly keyPath: string
  readonly cert: Buffer
  readonly key: Buffer
}

const REQUEST = ['req', '-x509', '-nodes', '-days', '2', '-newkey', 'ec']
const CURVE = ['-pkeyopt', 'ec_paramgen_curve:prime256v1']

export function createAuthority(): Authority {
  const directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  const path = (name: string): string => join(directory, name)
  const caPath = path('ca.pem')
  const caKeyPath = path('ca-key.pem')
  openssl('-subj', '/CN=memshard test authority', '-keyout', caKeyPath, '-out', caPath)
  let issued = 0
  return {
    ca: readFileSync(caPath),
    caPath,
    issue(names) {
      const certPath = path(`cert-${++issued}.pem`)
      const keyPath = path(`key-${issued}.pem`)
      const extensions = [
        '-addext',
        `subjectAltName=${names}`,
        '-addext',
        'basicConstraints=CA:false',
      ]
      const signer = ['-CA', caPath, '-CAkey', caKeyPath]
      openssl('-subj', '/CN=node', ...extensions, ...signer, '-keyout', keyPath, '-out', certPath)
      return { certPath, keyPath, cert: readFileSync(certPath), key: readFileSync(keyPath) }
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  }
}

function openssl(...argv: string[]): void {
  const run = spawnSync('openssl', [...REQUEST, ...CURVE, ...argv], { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`openssl failed: ${run.error ?? run.stderr}`)
}
