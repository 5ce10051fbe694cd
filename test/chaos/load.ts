// A process that uses the client as an application does, and checks every answer against its books. It alone writes its
// keys, one call a key at a time; so it knows what each node may have. Told by the harness which nodes are not well.
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, fileDiscovery, MemshardError, PartialError } from '@memshard/client'
import { Book, valueFor, versionOf, type Written } from './books.ts'
import type { LoadPlan, LoadReport, ToLoad } from './messages.ts'
import { between, oneOf, randomFrom } from './random.ts'

const CALLERS = 16
const KEYS_PER_CALLER = 60
const TIMEOUT_MS = 400
const WINDOW_MS = 10_000
/** A call that began so soon after a node was well may still meet what befell its connections. */
const GRACE_MS = 5_000
const MOST_TOLD = 20

class Load {
  readonly #plan: LoadPlan
  readonly #client: Client
  readonly #random: () => number
  readonly #books = new Map<string, Book>()
  /** Since when a node has been well; infinite while it is not. */
  readonly #wellSince = new Map<string, number>()
  readonly #recovering = new Map<string, number>()
  readonly #errors: Record<string, number> = {}
  readonly #wrong: string[] = []
  readonly #unexplained: string[] = []
  readonly #recoveries: number[] = []
  readonly #p50: number[] = []
  readonly #p99: number[] = []
  #window: number[] = []
  #calls = 0
  #hits = 0
  #misses = 0
  #outdated = 0
  #latest = 0
  #finishing = false

  constructor(plan: LoadPlan) {
    this.#plan = plan
    this.#random = randomFrom(plan.seed)
    this.#client = new Client({
      nodes: fileDiscovery(plan.nodes),
      timeout: TIMEOUT_MS,
      connectTimeout: 300,
      probe: { min: 50, max: 1_000 },
      onNodeDown: plan.onNodeDown,
    })
  }

  told(message: ToLoad): void {
    const now = performance.now()
    if (message.kind === 'finish') this.#finishing = true
    else if (message.kind === 'fault') this.#wellSince.set(message.node, Number.POSITIVE_INFINITY)
    else {
      this.#wellSince.set(message.node, now)
      this.#recovering.set(message.node, now)
    }
  }

  async run(): Promise<LoadReport> {
    const windows = setInterval(() => this.#closeWindow(), WINDOW_MS)
    await Promise.all(Array.from({ length: CALLERS }, (_, caller) => this.#call(caller)))
    clearInterval(windows)
    if (this.#p99.length === 0) this.#closeWindow()
    const [finallyFound, finallyWritten] = await this.#finish()
    await this.#client.close()
    return {
      name: this.#plan.name,
      calls: this.#calls,
      hits: this.#hits,
      misses: this.#misses,
      unexplainedMisses: this.#unexplained,
      errors: this.#errors,
      wrong: this.#wrong,
      outdated: this.#outdated,
      latest: this.#latest,
      timeout: TIMEOUT_MS,
      recoveries: this.#recoveries,
      p50: this.#p50,
      p99: this.#p99,
      finallyFound,
      finallyWritten,
    }
  }

  async #call(caller: number): Promise<void> {
    const random = this.#random
    const keys = Array.from(
      { length: KEYS_PER_CALLER },
      (_, i) => `${this.#plan.name}:${caller}:${i}`,
    )
    while (!this.#finishing) {
      const key = oneOf(random, keys)
      const kind = random()
      if (kind < 0.6) await this.#get(key)
      else if (kind < 0.9) await this.#set(key)
      else if (kind < 0.95) await this.#delete(key)
      else await this.#getMulti(keys.slice(0, 20))
      await sleep(between(random, 5, 25))
    }
  }

  async #set(key: string): Promise<boolean> {
    const book = this.#book(key)
    const written = book.next(false)
    const length = this.#random() < 0.02 ? 200_000 : Math.floor(this.#random() * 1500)
    const value = valueFor(key, written.version, length)
    const stored = await this.#write(key, book, written, () => this.#client.set(key, value))
    return stored === true
  }

  async #delete(key: string): Promise<void> {
    const book = this.#book(key)
    await this.#write(key, book, book.next(true), () => this.#client.delete(key))
  }

  async #write(
    key: string,
    book: Book,
    written: Written,
    call: () => Promise<boolean>,
  ): Promise<boolean | undefined> {
    const before = this.#nodeOf(key)
    book.begun(before === undefined ? [] : [before], written, performance.now())
    const result = await this.#timed(call)
    const after = this.#nodeOf(key)
    if (after !== undefined && after !== before) book.begun([after], written, performance.now())
    // False: a node that is down has not stored it, or there was nothing to delete.
    if (result === undefined || before === undefined || before !== after) return result
    if (result || (written.isGone && this.#isUp(before))) {
      book.done(before, written, performance.now())
      this.#answered(before)
    }
    return result
  }

  async #get(key: string): Promise<void> {
    const before = this.#nodeOf(key)
    const since = performance.now()
    const heldSince = before === undefined ? undefined : this.#book(key).heldSince(before)
    const wasUp = before !== undefined && this.#isUp(before)
    const answer = await this.#timed(async () => [await this.#client.get<string>(key)] as const)
    if (answer === undefined) return
    const [found] = answer
    const nodes = [before, this.#nodeOf(key)].filter((node) => node !== undefined)
    if (found !== undefined) {
      this.#hits++
      this.#judge(key, found, nodes)
      if (before !== undefined) this.#answered(before)
      return
    }
    this.#misses++
    if (before === undefined || heldSince === undefined || !wasUp || nodes[1] !== before) return
    const well = this.#wellSince.get(before) ?? 0
    if (this.#isUp(before) && well + GRACE_MS < heldSince && well + GRACE_MS < since) {
      this.#tell(
        this.#unexplained,
        `${key} on ${before}, stored ${Math.round(since - heldSince)} ms ago`,
      )
    }
  }

  async #getMulti(keys: readonly string[]): Promise<void> {
    const before = new Map(keys.map((key) => [key, this.#nodeOf(key)]))
    let found = await this.#timed(() => this.#client.getMulti<string>(keys))
    found ??= new Map()
    for (const [key, value] of found) {
      this.#hits++
      const nodes = [before.get(key), this.#nodeOf(key)].filter((node) => node !== undefined)
      this.#judge(key, value, nodes)
    }
  }

  #judge(key: string, value: unknown, nodes: readonly string[]): void {
    const version = versionOf(key, value)
    const book = this.#book(key)
    if (version === undefined) {
      this.#tell(this.#wrong, `${key}: ${String(value).slice(0, 80)}`)
    } else if (!book.mayFind(nodes, version)) {
      this.#tell(
        this.#wrong,
        `${key}: version ${version} on ${nodes.join(' or ')}, newest ${book.newestDone}`,
      )
    } else if (version < book.newestDone) this.#outdated++
  }

  /** The result; undefined if it failed in a way that calls may. */
  async #timed<T>(call: () => Promise<T>): Promise<T | undefined> {
    const begun = performance.now()
    this.#calls++
    try {
      return await call()
    } catch (error) {
      const code = error instanceof MemshardError ? error.code : 'none'
      this.#errors[code] = (this.#errors[code] ?? 0) + 1
      if (code === 'none') this.#tell(this.#wrong, `no error of the client: ${String(error)}`)
      if (error instanceof PartialError) return error.values as T
      return undefined
    } finally {
      const took = performance.now() - begun
      this.#latest = Math.max(this.#latest, took)
      this.#window.push(took)
    }
  }

  /** Writes and reads everything once: there is nothing that could hinder it now. */
  async #finish(): Promise<[number, number]> {
    let written = 0
    let found = 0
    for (const key of this.#books.keys()) {
      if (!(await this.#set(key))) continue
      written++
      const value = await this.#timed(() => this.#client.get<string>(key))
      if (value === undefined) continue
      found++
      this.#judge(key, value, [this.#nodeOf(key) ?? ''])
    }
    return [found, written]
  }

  #answered(node: string): void {
    const since = this.#recovering.get(node)
    if (since === undefined) return
    this.#recovering.delete(node)
    this.#recoveries.push(performance.now() - since)
  }

  #closeWindow(): void {
    const sorted = this.#window.sort((a, b) => a - b)
    this.#window = []
    this.#p50.push(sorted[Math.floor(sorted.length * 0.5)] ?? 0)
    this.#p99.push(sorted[Math.floor(sorted.length * 0.99)] ?? 0)
  }

  #nodeOf(key: string): string | undefined {
    return this.#client.locate(key)?.name
  }

  #isUp(name: string): boolean {
    return this.#client.nodes.some((node) => node.name === name && node.state === 'up')
  }

  #book(key: string): Book {
    let book = this.#books.get(key)
    if (book === undefined) {
      book = new Book()
      this.#books.set(key, book)
    }
    return book
  }

  #tell(list: string[], text: string): void {
    if (list.length < MOST_TOLD) list.push(`${Math.round(performance.now())} ms: ${text}`)
  }
}

const load = new Load(JSON.parse(process.argv[2]))
process.on('message', (message: ToLoad) => load.told(message))
// Without the harness there is nothing to be done.
process.on('disconnect', () => process.exit(1))
const report = await load.run()
process.send?.(report, () => process.exit(0))
