// The certificate that TLS listeners show, its key, and whom clients' certificates must come from: in shared memory, so
// that all threads change to others at the same moment. Replaced and read under the cache's lock. Knows no file.

export interface CertificateMaterial {
  /** All in PEM. */
  readonly certificate: string
  readonly key: string
  /** Authorities of clients' certificates; undefined: those that Node.js comes with. */
  readonly authorities: string | undefined
  /** What session tickets are encrypted with, 48 bytes in base64: one for all threads, so that any of them resumes. */
  readonly ticketKeys: string
}

/** A chain, a key and a bundle of all public authorities take a third of it. */
export const MAX_MATERIAL_BYTES = 1024 * 1024

const GENERATION = 0
const LENGTH = 1
const REFRESHED_AT = 2
const HEADER_WORDS = 4
const HEADER_BYTES = HEADER_WORDS * Int32Array.BYTES_PER_ELEMENT

export class Certificates {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #bytes: Uint8Array

  /** `buffer` is another thread's, to share its certificates. */
  constructor(buffer = new SharedArrayBuffer(HEADER_BYTES + MAX_MATERIAL_BYTES)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer, 0, HEADER_WORDS)
    this.#bytes = new Uint8Array(buffer, HEADER_BYTES)
  }

  /** Another number whenever there are others; needs no lock. */
  get generation(): number {
    return Atomics.load(this.#words, GENERATION)
  }

  /** The clock's second at which these were read. */
  get refreshedAt(): number {
    return Atomics.load(this.#words, REFRESHED_AT)
  }

  set refreshedAt(now: number) {
    Atomics.store(this.#words, REFRESHED_AT, now)
  }

  /** False if they are too large. */
  replace(material: CertificateMaterial, now: number): boolean {
    const bytes = Buffer.from(JSON.stringify(material))
    if (bytes.length > MAX_MATERIAL_BYTES) return false
    this.#bytes.fill(0, 0, this.#words[LENGTH])
    this.#bytes.set(bytes)
    this.#words[LENGTH] = bytes.length
    this.refreshedAt = now
    Atomics.add(this.#words, GENERATION, 1)
    return true
  }

  read(): CertificateMaterial {
    const text = Buffer.from(this.#bytes.slice(0, this.#words[LENGTH])).toString()
    return JSON.parse(text) as CertificateMaterial
  }
}
