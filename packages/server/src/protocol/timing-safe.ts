// Comparison in a time that depends on nothing but the length: Node's own. Its module is loaded for the first who logs
// in, because threads that nobody logs in to would load it for nothing.

type Compare = (a: Uint8Array, b: Uint8Array) => boolean

let compare: Compare | undefined

/** Whether two blocks of the same length are the same. */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  compare ??= process.getBuiltinModule('node:crypto').timingSafeEqual
  return compare(a, b)
}
