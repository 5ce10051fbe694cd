// Which server each key has its home on, where there are several: as @memshard/client places them. Looked up
// when a key is first asked for, and kept. Knows no load.
import { Client } from '@memshard/client'
import type { KeySpace } from '../workload/operation.ts'
import { formatAddress, type ServerAddress } from './address.ts'

/** Servers that a load can have: a home is kept in a byte, of which one value says that it is not known. */
export const SERVERS_MAX = 255
const UNKNOWN = 255
const FIRST_KEYS = 1_024

export class Homes {
  readonly #client: Client
  readonly #indexOf: ReadonlyMap<string, number>
  readonly #keySpace: KeySpace
  readonly #text: Buffer
  #homes: Uint8Array

  constructor(servers: readonly ServerAddress[], keySpace: KeySpace) {
    // By names, since they are what places keys. Nothing is connected: nobody asks the client for a value.
    const names = servers.map(formatAddress)
    this.#client = new Client({
      nodes: servers.map((server, index) => ({
        ...(server.kind === 'unix'
          ? { path: server.path }
          : { host: server.host, port: server.port }),
        name: names[index]!,
      })),
    })
    this.#indexOf = new Map(names.map((name, index) => [name, index]))
    this.#keySpace = keySpace
    this.#text = Buffer.alloc(keySpace.longest)
    this.#homes = new Uint8Array(Math.min(keySpace.keys, FIRST_KEYS)).fill(UNKNOWN)
  }

  /** The index of the key's server. */
  of(key: number): number {
    const home = this.#homes[key]
    return home === undefined || home === UNKNOWN ? this.#find(key) : home
  }

  #find(key: number): number {
    if (key >= this.#homes.length) {
      const larger = new Uint8Array(Math.max(key + 1, this.#homes.length * 2)).fill(UNKNOWN)
      larger.set(this.#homes)
      this.#homes = larger
    }
    const text = this.#text.toString('latin1', 0, this.#keySpace.write(key, this.#text, 0))
    const home = this.#indexOf.get(this.#client.locate(text)?.name ?? '') ?? 0
    this.#homes[key] = home
    return home
  }
}
