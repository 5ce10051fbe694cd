// What the bench asks of a client, whichever it is: as few lines as possible between the caller's loop
// and the client's own methods, so that the client is what is measured. Knows no client and no workload.

/** A value as a client hands it over: most give text back for text, memjs gives bytes. */
export type StoredValue = string | Uint8Array

/** A client that is connected, until its process ends. Whatever fails is a rejection. */
export interface ClientAdapter {
  /** Resolves to what the client's own method gives; `valueIn` finds the value in it. */
  get(key: string): Promise<unknown>
  getMulti(keys: readonly string[]): Promise<unknown>
  /** Stores text that does not expire. */
  set(key: string, value: string): Promise<unknown>
  /** The value in what `get` gave; undefined for a miss. */
  valueIn(got: unknown): StoredValue | undefined
  /** The value of one of the keys in what `getMulti` gave. */
  valueFor(got: unknown, key: string): StoredValue | undefined
  /** Whether what `set` gave means that it was stored. */
  wasStored(given: unknown): boolean
}

/** Long enough that a machine that pauses is no error, and what three of them have by default. */
export const PATIENCE_MS = 5_000

/** `servers` are `host:port`. */
export type OpenClient = (servers: readonly string[]) => Promise<ClientAdapter>

/** Imports a package that need not be installed, so the compiler must not look for it. */
export function importOptional<Module>(name: string): Promise<Module> {
  return import(name) as Promise<Module>
}
