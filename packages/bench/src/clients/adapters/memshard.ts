// @memshard/client, as it is, but for a deadline as long as the others have.
import { Client } from '@memshard/client'
import { type ClientAdapter, PATIENCE_MS, type StoredValue } from '../adapter.ts'

export async function openMemshard(servers: readonly string[]): Promise<ClientAdapter> {
  const client = new Client<string>({ nodes: servers, timeout: PATIENCE_MS })
  return {
    get: (key) => client.get(key),
    getMulti: (keys) => client.getMulti(keys),
    set: (key, value) => client.set(key, value),
    valueIn: (got) => got as StoredValue | undefined,
    valueFor: (got, key) => (got as Map<string, StoredValue>).get(key),
    wasStored: (given) => given === true,
  }
}
