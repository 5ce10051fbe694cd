// Where memjs puts keys: Java's string hash of the key's UTF-16 units, modulo the number of nodes; with its `failover`, those of
// a node that is down on the next.
import { modulaOrNext } from './modula.ts'
import type { Distribution } from './router.ts'

export function memjs(): Distribution {
  return modulaOrNext(stringHash)
}

function stringHash(key: string): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(31, hash) + key.charCodeAt(i)) | 0
  return Math.abs(hash)
}
