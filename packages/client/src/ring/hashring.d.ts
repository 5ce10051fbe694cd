// The part of hashring 3.2 that ring.ts uses; the package ships no types.
// It must not grow past that: lookups, the key cache and membership changes are ours.
declare module 'hashring' {
  class HashRing {
    constructor(
      servers: Readonly<Record<string, { readonly vnodes: number }>>,
      algorithm: (point: string) => Uint8Array,
      options: Readonly<{ 'vnode count': number; compatibility: 'ketama' }>,
    )
    /** The continuum, in ascending order of `value`; equal values keep the order of the servers. */
    readonly ring: ReadonlyArray<{ readonly value: number; readonly server: string }>
  }
  export = HashRing
}
