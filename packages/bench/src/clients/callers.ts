// The load that a client gets: callers who each wait for their answer before they ask again, in the
// client's own process, and what that cost. Knows no client by name.
import { BenchError } from '../errors.ts'
import type { ClientAdapter, StoredValue } from './adapter.ts'
import type { ClientWorkload, Items } from './client-workloads.ts'

export interface ClientRound {
  /** Keys got or stored. */
  readonly operations: number
  readonly seconds: number
  /** User and system time of the whole process, which is the client and its callers. */
  readonly cpuSeconds: number
  /** Answers that were not what was stored. */
  readonly wrong: number
}

const MICROSECONDS_PER_SECOND = 1e6
const MS_PER_SECOND = 1e3
const FILLERS = 10

export class Callers {
  readonly #client: ClientAdapter
  readonly #workload: ClientWorkload
  readonly #keys: readonly string[]
  readonly #values: ReadonlyMap<string, string>
  #next = 0
  #calling = false
  #operations = 0
  #wrong = 0

  constructor(client: ClientAdapter, workload: ClientWorkload, { keys, valueFor }: Items) {
    this.#client = client
    this.#workload = workload
    this.#keys = keys
    this.#values = new Map(keys.map((key) => [key, valueFor(key)]))
  }

  /** Stores everything and reads it back. Throws a BenchError for any byte that is another one. */
  async fillAndVerify(): Promise<void> {
    const client = this.#client
    const keys = this.#keys
    const values = this.#values
    await eachKey(keys, async (key) => {
      if (!client.wasStored(await client.set(key, values.get(key)!))) throw notWhatWasStored(key)
    })
    await eachKey(keys, async (key) => {
      const value = client.valueIn(await client.get(key))
      if (textOf(value) !== values.get(key)) throw notWhatWasStored(key)
    })
    if (this.#workload.call !== 'getMulti') return
    const got = await client.getMulti(keys)
    for (const key of keys) {
      if (textOf(client.valueFor(got, key)) !== values.get(key)) throw notWhatWasStored(key)
    }
  }

  async run(milliseconds: number): Promise<ClientRound> {
    this.#operations = 0
    this.#wrong = 0
    this.#calling = true
    const begun = performance.now()
    const cpu = process.cpuUsage()
    const timer = setTimeout(() => {
      this.#calling = false
    }, milliseconds)
    try {
      await Promise.all(Array.from({ length: this.#workload.callers }, () => this.#call()))
    } finally {
      this.#calling = false
      clearTimeout(timer)
    }
    const { user, system } = process.cpuUsage(cpu)
    return {
      operations: this.#operations,
      seconds: (performance.now() - begun) / MS_PER_SECOND,
      cpuSeconds: (user + system) / MICROSECONDS_PER_SECOND,
      wrong: this.#wrong,
    }
  }

  #call(): Promise<void> {
    switch (this.#workload.call) {
      case 'get':
        return this.#get()
      case 'getMulti':
        return this.#getMulti()
      case 'set':
        return this.#set()
    }
  }

  // Of a value only the length is looked at here, which costs next to nothing; all of it was before.
  async #get(): Promise<void> {
    const client = this.#client
    const { valueBytes } = this.#workload
    while (this.#calling) {
      const value = client.valueIn(await client.get(this.#nextKey()))
      if (value?.length !== valueBytes) this.#wrong++
      this.#operations++
    }
  }

  async #getMulti(): Promise<void> {
    const client = this.#client
    const { keysPerCall, valueBytes } = this.#workload
    while (this.#calling) {
      const keys = Array.from({ length: keysPerCall }, () => this.#nextKey())
      const got = await client.getMulti(keys)
      for (const key of keys) {
        if (client.valueFor(got, key)?.length !== valueBytes) this.#wrong++
      }
      this.#operations += keysPerCall
    }
  }

  async #set(): Promise<void> {
    const client = this.#client
    while (this.#calling) {
      const key = this.#nextKey()
      if (!client.wasStored(await client.set(key, this.#values.get(key)!))) this.#wrong++
      this.#operations++
    }
  }

  #nextKey(): string {
    const keys = this.#keys
    if (this.#next === keys.length) this.#next = 0
    return keys[this.#next++]!
  }
}

async function eachKey(
  keys: readonly string[],
  visit: (key: string) => Promise<void>,
): Promise<void> {
  const left = keys.values()
  await Promise.all(
    Array.from({ length: FILLERS }, async () => {
      for (const key of left) await visit(key)
    }),
  )
}

function textOf(value: StoredValue | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : Buffer.from(value).toString()
}

function notWhatWasStored(key: string): BenchError {
  return new BenchError('WRONG_ANSWER', `it did not give back what was stored under ${key}`)
}
