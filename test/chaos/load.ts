// A process that uses the client as an application does, and checks every answer against its books. It alone writes its
// keys, one call a key at a time; so it knows what each node may have. Told by the harness which nodes are not well.
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, fileDiscovery, MemshardError, PartialError } from '@memshard/client'
import { Book, valueFor, versionOf, type Written } from './books.ts'
import { ExpectedHits } from './expected-hits.ts'
import { type LoadPlan, type LoadReport, PROXY, type ToLoad } from './messages.ts'
import { between, oneOf, randomFrom } from './random.ts'

const CALLERS = 16
const KEYS_PER_CALLER = 60
const TIMEOUT_MS = 400
const WINDOW_MS = 10_000
/** A call that began so soon after a node was well may still meet what befell its connections. */
const GRACE_MS = 5_000
const LAST_ATTEMPTS = 10
const MOST_TOLD = 20

/** What is under way: a call may be sent again, to another node than at first. */
interface UnderWay {
  readonly key: string
  readonly nodes: Set<string>
  readonly written: Written | undefined
}

class Load {
  readonly #plan: LoadPlan
  readonly #client: Client
  /** Says which node a key belongs to: the same client, or one that goes the way that the proxy goes. */
  readonly #ring: Client
  readonly #random: () => number
  readonly #books = new Map<string, Book>()
  /** Since when a node has been well; infinite while it is not. */
  readonly #wellSince = new Map<string, number>()
  readonly #underWay = new Set<UnderWay>()
  readonly #recovering = new Map<string, number>()
  readonly #expected = new ExpectedHits()
  readonly #errors: Record<string, number> = {}
  readonly #wrong: string[] = []
  readonly #unexplained: string[] = []
  readonly #recoveries: number[] = []
  readonly #p50: number[] = []
  readonly #p99: number[] = []
  #window: number[] = []
  #sets = 0
  /** Of keys that had a value. */
  #reads = 0
  #found = 0
  #calls = 0
  #hits = 0
  #misses = 0
  #outdated = 0
  #latest = 0
  #finishing = false

  constructor(plan: LoadPlan) {
    this.#plan = plan
    this.#random = randomFrom(plan.seed)
    const timeouts = { timeout: TIMEOUT_MS, connectTimeout: 300, probe: { min: 50, max: 1_000 } }
    this.#ring = new Client({
      ...timeouts,
      nodes: fileDiscovery(plan.nodes),
      onNodeDown: plan.onNodeDown,
    })
    for (const event of ['eject', 'return', 'nodes'] as const) {
      this.#ring.on(event, () => this.#moved())
    }
    this.#client =
      plan.proxy === undefined
        ? this.#ring
        : new Client({ ...timeouts, nodes: [plan.proxy], onNodeDown: 'error' })
  }

  /** A key may belong to another node for a moment only, in which calls are sent there. */
  #moved(): void {
    for (const call of this.#underWay) this.#noteNode(call)
  }

  #noteNode({ key, nodes, written }: UnderWay): void {
    const node = this.#nodeOf(key)
    if (node === undefined || nodes.has(node)) return
    nodes.add(node)
    if (written !== undefined) this.#book(key).begun([node], written, performance.now())
  }

  /** The result, and the nodes that the key belonged to meanwhile. */
  async #followed<T>(
    key: string,
    written: Written | undefined,
    call: () => Promise<T>,
  ): Promise<readonly [T | undefined, readonly string[]]> {
    const underWay: UnderWay = { key, nodes: new Set(), written }
    this.#noteNode(underWay)
    this.#underWay.add(underWay)
    const result = await this.#timed(call)
    this.#noteNode(underWay)
    this.#underWay.delete(underWay)
    return [result, [...underWay.nodes]]
  }

  told(message: ToLoad): void {
    const now = performance.now()
    if (message.kind === 'finish') this.#finishing = true
    else if (message.node === PROXY && this.#plan.proxy === undefined) return
    else if (message.kind === 'fault') {
      this.#expected.fault(message.node, now)
      this.#wellSince.set(message.node, Number.POSITIVE_INFINITY)
    } else {
      this.#expected.well(message.node, now)
      this.#wellSince.set(message.node, now)
      this.#recovering.set(message.node, now)
    }
  }

  async run(): Promise<LoadReport> {
    const windows = setInterval(() => this.#closeWindow(), WINDOW_MS)
    await this.#located()
    const shares = this.#shares()
    const begun = performance.now()
    await Promise.all(Array.from({ length: CALLERS }, (_, caller) => this.#call(caller)))
    clearInterval(windows)
    if (this.#p99.length === 0) this.#closeWindow()
    const now = performance.now()
    const rewriteMs = ((now - begun) * CALLERS * KEYS_PER_CALLER) / Math.max(1, this.#sets)
    const reads = {
      all: this.#reads,
      found: this.#found,
      expected: Math.floor(this.#reads * this.#expected.least(shares, begun, now, rewriteMs)),
    }
    const [finallyFound, finallyWritten] = await this.#finish()
    await Promise.all([this.#client.close(), this.#ring.close()])
    return {
      name: this.#plan.name,
      calls: this.#calls,
      hits: this.#hits,
      misses: this.#misses,
      reads,
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

  #keysOf(caller: number): readonly string[] {
    return Array.from({ length: KEYS_PER_CALLER }, (_, i) => `${this.#plan.name}:${caller}:${i}`)
  }

  /** Which share of the keys belongs to each node. */
  #shares(): ReadonlyMap<string, number> {
    const shares = new Map<string, number>()
    const each = 1 / (CALLERS * KEYS_PER_CALLER)
    for (let caller = 0; caller < CALLERS; caller++) {
      for (const key of this.#keysOf(caller)) {
        const node = this.#nodeOf(key) ?? ''
        shares.set(node, (shares.get(node) ?? 0) + each)
      }
    }
    return shares
  }

  /** Resolves when the list of nodes is known. */
  async #located(): Promise<void> {
    while (this.#nodeOf('any') === undefined) await sleep(5)
  }

  async #call(caller: number): Promise<void> {
    const random = this.#random
    const keys = this.#keysOf(caller)
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
    if (stored === true) this.#sets++
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
    const [result, [node, ...others]] = await this.#followed(key, written, call)
    if (result === undefined || node === undefined || others.length > 0) return result
    // False: a node that is down has not stored it, or there was nothing to delete.
    if (result || (written.isGone && this.#isUp(node))) {
      book.done(node, written, performance.now())
      this.#answered(node)
    }
    return result
  }

  async #get(key: string): Promise<void> {
    const before = this.#nodeOf(key)
    const since = performance.now()
    const heldSince = before === undefined ? undefined : this.#book(key).heldSince(before)
    const hadValue = this.#books.get(key)?.hasValue ?? false
    const wasUp = before !== undefined && this.#isUp(before)
    const [answer, nodes] = await this.#followed(
      key,
      undefined,
      async () => [await this.#client.get<string>(key)] as const,
    )
    if (answer === undefined) return
    const [found] = answer
    if (hadValue) {
      this.#reads++
      if (found !== undefined) this.#found++
    }
    if (found !== undefined) {
      this.#hits++
      this.#judge(key, found, nodes)
      if (before !== undefined) this.#answered(before)
      return
    }
    this.#misses++
    if (before === undefined || heldSince === undefined || !wasUp || nodes.length > 1) return
    const well = Math.max(this.#wellSince.get(before) ?? 0, this.#wellSince.get(PROXY) ?? 0)
    if (this.#isUp(before) && well + GRACE_MS < heldSince && well + GRACE_MS < since) {
      this.#tell(
        this.#unexplained,
        `${key} on ${before}, stored ${Math.round(since - heldSince)} ms ago`,
      )
    }
  }

  async #getMulti(keys: readonly string[]): Promise<void> {
    const calls = keys.map((key): UnderWay => ({ key, nodes: new Set(), written: undefined }))
    for (const call of calls) {
      this.#noteNode(call)
      this.#underWay.add(call)
    }
    const found = (await this.#timed(() => this.#client.getMulti<string>(keys))) ?? new Map()
    for (const call of calls) {
      this.#noteNode(call)
      this.#underWay.delete(call)
      const value = found.get(call.key)
      if (value === undefined) continue
      this.#hits++
      this.#judge(call.key, value, [...call.nodes])
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
      // A busy machine may be late once: what is judged is what was answered.
      for (let attempt = 0; attempt < LAST_ATTEMPTS; attempt++) {
        if (!(await this.#set(key))) continue
        const answer = await this.#timed(async () => [await this.#client.get<string>(key)])
        if (answer === undefined) continue
        // The proxy's own nodes may be down for it a moment longer: see #isUp.
        if (answer[0] === undefined && this.#plan.proxy !== undefined) continue
        written++
        if (answer[0] === undefined) break
        found++
        this.#judge(key, answer[0], [this.#nodeOf(key) ?? ''])
        break
      }
    }
    return [found, written]
  }

  #answered(node: string): void {
    for (const name of [node, PROXY]) {
      const since = this.#recovering.get(name)
      if (since === undefined) continue
      this.#recovering.delete(name)
      this.#recoveries.push(performance.now() - since)
    }
  }

  #closeWindow(): void {
    const sorted = this.#window.sort((a, b) => a - b)
    this.#window = []
    this.#p50.push(sorted[Math.floor(sorted.length * 0.5)] ?? 0)
    this.#p99.push(sorted[Math.floor(sorted.length * 0.99)] ?? 0)
  }

  #nodeOf(key: string): string | undefined {
    return this.#ring.locate(key)?.name
  }

  #isUp(name: string): boolean {
    // Which nodes the proxy takes for dead, after calls that were late, it doesn't say.
    if (this.#plan.proxy !== undefined) return false
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
