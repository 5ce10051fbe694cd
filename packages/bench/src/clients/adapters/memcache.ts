// memcache (Jared Wray). Connected before it is used: cold, it opens a connection for each call.
import { type ClientAdapter, importOptional, type StoredValue } from '../adapter.ts'

interface MemcacheModule {
  readonly Memcache: new (options: {
    readonly nodes: readonly string[]
  }) => {
    connect(): Promise<void>
    get(key: string): Promise<string | undefined>
    gets(keys: readonly string[]): Promise<Map<string, string>>
    set(key: string, value: string): Promise<boolean>
  }
}

export async function openMemcache(servers: readonly string[]): Promise<ClientAdapter> {
  const { Memcache } = await importOptional<MemcacheModule>('memcache')
  const client = new Memcache({ nodes: servers })
  await client.connect()
  return {
    get: (key) => client.get(key),
    getMulti: (keys) => client.gets(keys),
    set: (key, value) => client.set(key, value),
    valueIn: (got) => got as StoredValue | undefined,
    valueFor: (got, key) => (got as Map<string, string>).get(key),
    wasStored: (given) => given === true,
  }
}
