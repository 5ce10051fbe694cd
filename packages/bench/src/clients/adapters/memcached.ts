// memcached (3rd-Eden), which takes callbacks and keeps a pool of connections per node.
import { type ClientAdapter, importOptional, type StoredValue } from '../adapter.ts'

type Callback<Result> = (error: Error | undefined, result: Result) => void

interface Memcached {
  get(key: string, done: Callback<string | undefined>): void
  getMulti(keys: readonly string[], done: Callback<Record<string, string>>): void
  set(key: string, value: string, lifetime: number, done: Callback<boolean>): void
}

interface MemcachedModule {
  readonly default: new (
    servers: readonly string[],
    options: { readonly poolSize: number },
  ) => Memcached
}

/** As in an example of its documentation, and cheaper for a hundred callers than the default of 10. */
const POOL_SIZE = 25

export async function openMemcached(servers: readonly string[]): Promise<ClientAdapter> {
  const { default: Memcached } = await importOptional<MemcachedModule>('memcached')
  const client = new Memcached(servers, { poolSize: POOL_SIZE })
  return {
    get: (key) => new Promise((resolve, reject) => client.get(key, settle(resolve, reject))),
    getMulti: (keys) =>
      new Promise((resolve, reject) => client.getMulti(keys, settle(resolve, reject))),
    set: (key, value) =>
      new Promise((resolve, reject) => client.set(key, value, 0, settle(resolve, reject))),
    valueIn: (got) => got as StoredValue | undefined,
    valueFor: (got, key) => (got as Record<string, StoredValue | undefined>)[key],
    wasStored: (given) => given === true,
  }
}

function settle<Result>(
  resolve: (result: Result) => void,
  reject: (error: Error) => void,
): Callback<Result> {
  return (error, result) => (error ? reject(error) : resolve(result))
}
