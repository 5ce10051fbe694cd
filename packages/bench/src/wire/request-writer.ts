// How requests are written, whatever the protocol. Knows no protocol: classic-, meta- and binary-writer.ts do.
import type { RequestKind } from './request-kinds.ts'

export interface RequestWriter {
  /**
   * Writes the request for one key. `ttl` is in seconds, at most the 30 days above which servers take it as a
   * date. `version` is that of a value to be verified, otherwise 0. `entry` is the request's first.
   */
  write(
    kind: RequestKind,
    key: number,
    valueBytes: number,
    ttl: number,
    version: number,
    entry: number,
  ): void
  /** A get of several keys: its beginning, each key with its entry, and its end, with the last entry. */
  beginGet(): void
  getKey(key: number, entry: number): void
  endGet(entry: number): void
}
