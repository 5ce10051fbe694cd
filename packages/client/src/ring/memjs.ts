// Where memjs puts keys: Java's string hash of the key's UTF-16 units, modulo the number of nodes.
import { modula } from './modula.ts'
import type { Distribution } from './router.ts'

export function memjs(): Distribution {
  return modula(stringHash)
}

function stringHash(key: string): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(31, hash) + key.charCodeAt(i)) | 0
  return Math.abs(hash)
}
