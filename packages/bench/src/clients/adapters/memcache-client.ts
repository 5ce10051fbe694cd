// memcache-client (Walmart), which does not shard: several servers are copies of one another to it. So
// where the others have four nodes it has the first of them, which is less work.
import { type ClientAdapter, importOptional, type StoredValue } from '../adapter.ts'

interface Got {
  readonly value: StoredValue
}

interface MemcacheClientModule {
  readonly MemcacheClient: new (options: {
    readonly server: { readonly server: string; readonly maxConnections: number }
    readonly noDelay: boolean
  }) => {
    get(key: string): Promise<Got | undefined>
    get(keys: readonly string[]): Promise<Record<string, Got>>
    set(key: string, value: string, options: { readonly lifetime: number }): Promise<string[]>
  }
}

export async function openMemcacheClient(servers: readonly string[]): Promise<ClientAdapter> {
  const { MemcacheClient } = await importOptional<MemcacheClientModule>('memcache-client')
  const client = new MemcacheClient({
    server: { server: servers[0]!, maxConnections: 1 },
    noDelay: true,
  })
  return {
    get: (key) => client.get(key),
    getMulti: (keys) => client.get(keys),
    set: (key, value) => client.set(key, value, { lifetime: 0 }),
    valueIn: (got) => (got as Got | undefined)?.value,
    valueFor: (got, key) => (got as Record<string, Got | undefined>)[key]?.value,
    wasStored: (given) => (given as readonly string[])[0] === 'STORED',
  }
}
