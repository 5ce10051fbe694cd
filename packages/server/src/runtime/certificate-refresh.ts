// Puts certificates in the place of those that are in use: at the start, on SIGHUP, and when a client asks for it.
// Knows what all threads share; the files are certificate-files.ts's.
import type { Cache } from '../cache/cache.ts'
import {
  type CertificateMaterial,
  type Certificates,
  MAX_MATERIAL_BYTES,
} from '../transport/certificates.ts'

/** Returns what is wrong with the new ones, in which case nothing changes. */
export function refreshCertificates(
  certificates: Certificates,
  { lock, clock }: Cache,
  read: () => CertificateMaterial,
): string | undefined {
  let material: CertificateMaterial
  try {
    material = read()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  lock.acquire()
  const taken = certificates.replace(material, clock.now)
  lock.release()
  if (taken) return undefined
  return `Certificates, key and authorities are more than ${MAX_MATERIAL_BYTES} bytes together`
}
