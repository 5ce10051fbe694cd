// memjs, which speaks the binary protocol over one connection per node and has no call for several keys.
// It gives bytes back for text; they are left at that, to its advantage.
import { type ClientAdapter, importOptional, PATIENCE_MS } from '../adapter.ts'

interface Memjs {
  readonly default: {
    readonly Client: {
      create(
        servers: string,
        options: { readonly timeout: number },
      ): {
        get(key: string): Promise<Got>
        set(key: string, value: string, options: { expires: number }): Promise<boolean>
      }
    }
  }
}

interface Got {
  readonly value: Buffer | null
}

export async function openMemjs(servers: readonly string[]): Promise<ClientAdapter> {
  const { default: memjs } = await importOptional<Memjs>('memjs')
  const client = memjs.Client.create(servers.join(','), { timeout: PATIENCE_MS / 1_000 })
  return {
    get: (key) => client.get(key),
    getMulti: async (keys) => {
      const got = await Promise.all(keys.map((key) => client.get(key)))
      return new Map(keys.map((key, index) => [key, got[index]!.value]))
    },
    set: (key, value) => client.set(key, value, { expires: 0 }),
    valueIn: (got) => (got as Got).value ?? undefined,
    valueFor: (got, key) => (got as Map<string, Buffer | null>).get(key) ?? undefined,
    wasStored: (given) => given === true,
  }
}
