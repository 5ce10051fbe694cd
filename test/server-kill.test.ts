// kill -9 in a loop: a server on a memory file is killed in the middle of everything, again and again, and each time
// the next one is asked for every key. Clients keep books of what they were answered. `KILLS` is how often (20),
// `KILL_SEED` which numbers are drawn.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { statistic, Wire } from './wire.ts'

const KILLS = Number(process.env.KILLS ?? 20)
const CLIENTS = 4
const KEYS_PER_CLIENT = 120
const COMMANDS_AT_ONCE = 8
const TTL_SECONDS = 3600
/** How long a load may last before it is cut off. */
const LONGEST_LOAD_MS = 400
const APPENDED = '+more'

let seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** A number below `limit` (a linear congruential generator's, so that a seed is enough to draw them again). */
function draw(limit: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
  return Math.floor((seed / 2 ** 32) * limit)
}

/** A value that says whose it is, every piece of it: mixed or torn ones are no such value. */
function valueUnder(key: string, version: number, length: number): string {
  const piece = `${key}#${version};`
  return piece.repeat(Math.ceil(length / piece.length)).slice(0, length)
}

/** What an item is, as far as a client knows. Without a CAS unique: it has not been told it. */
interface State {
  readonly value: string
  readonly expires: boolean
  readonly cas: string | undefined
}

/** What may be under a key: what was answered last, and then what each unanswered command would make of it. */
type Possible = readonly (State | undefined)[]

interface Command {
  readonly key: string
  readonly text: string
  /** What it makes of a state. */
  readonly effect: (before: State | undefined) => State | undefined
}

class Client {
  readonly #name: string
  readonly books = new Map<string, Possible>()
  #version = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Sends commands until the server is gone. */
  async load(wire: Wire): Promise<void> {
    for (;;) {
      const commands = Array.from({ length: COMMANDS_AT_ONCE }, () => this.#command())
      for (const { key, effect } of commands) {
        const before = this.books.get(key) ?? [undefined]
        this.books.set(key, [...before, effect(before.at(-1))])
      }
      let answer: string
      try {
        answer = await wire.say(commands.map(({ text }) => text).join(''))
      } catch {
        return
      }
      this.#settle(commands, answer.split('\r\n'))
    }
  }

  /** They were answered: what is there now is known. */
  #settle(commands: readonly Command[], answers: readonly string[]): void {
    const known = new Map<string, State | undefined>()
    for (const { key } of commands) {
      if (!known.has(key)) known.set(key, this.books.get(key)?.[0])
    }
    for (const [i, { key, effect }] of commands.entries()) {
      const [status, flag = ''] = answers[i].split(' ')
      // Evicted: then an append or an increment has found nothing, and a delete too.
      if (status === 'NF' || status === 'NS') known.set(key, undefined)
      else if (status !== 'HD') throw new Error(`${commands[i].text.slice(0, 40)}: ${answers[i]}`)
      else {
        const after = effect(known.get(key))
        known.set(key, after === undefined ? undefined : { ...after, cas: flag.slice(1) })
      }
    }
    for (const [key, state] of known) this.books.set(key, [state])
  }

  #command(): Command {
    const kind = draw(100)
    if (kind < 20) return this.#count()
    const key = `${this.#name}:${draw(KEYS_PER_CLIENT)}`
    if (kind < 35) return { key, text: `md ${key}\r\n`, effect: () => undefined }
    if (kind < 50) {
      const text = `ms ${key} ${APPENDED.length} MA c\r\n${APPENDED}\r\n`
      const effect = (before: State | undefined): State | undefined =>
        before && { ...before, value: before.value + APPENDED, cas: undefined }
      return { key, text, effect }
    }
    const length = kind < 90 ? draw(1200) : kind < 97 ? draw(20_000) : 500_000 + draw(300_000)
    const value = valueUnder(key, ++this.#version, length)
    const expires = draw(2) === 0
    const ttl = expires ? ` T${TTL_SECONDS}` : ''
    return {
      key,
      text: `ms ${key} ${length} c${ttl}\r\n${value}\r\n`,
      effect: () => ({ value, expires, cas: undefined }),
    }
  }

  /** Numbers whose digits are all the same, or not a sum of such: digits of two of them can't be mixed unseen. */
  #count(): Command {
    const key = `${this.#name}:count:${draw(5)}`
    const step = 1111111111n
    const effect = (before: State | undefined): State => ({
      value: before === undefined ? String(step) : String(BigInt(before.value) + step),
      expires: false,
      cas: undefined,
    })
    return { key, text: `ma ${key} N0 J${step} D${step} c\r\n`, effect }
  }

  forget(): void {
    for (const key of this.books.keys()) this.books.set(key, [undefined])
  }
}

/** Asks for everything; returns how many items there are, and how many that were sure to be are not. */
async function check(node: RunningNode, clients: readonly Client[]): Promise<[number, number]> {
  await using wire = await Wire.connect(node)
  let found = 0
  let lost = 0
  for (const { books } of clients) {
    for (const [key, possible] of books) {
      const answer = await wire.say(`mg ${key} v c t s\r\n`)
      const now = stateOf(answer)
      if (now === undefined) {
        if (!possible.includes(undefined) && possible.length === 1) lost++
      } else {
        found++
        const right = possible.some(
          (state) =>
            state !== undefined &&
            state.value === now.value.trimEnd() &&
            state.expires === now.expires &&
            (state.cas === undefined || state.cas === now.cas),
        )
        if (!right) throw new Error(`${key} can't be ${answer.slice(0, 200)}; seed ${seed}`)
      }
      books.set(key, [now])
    }
  }
  expect(await statistic(node, 'curr_items')).toBe(found)
  return [found, lost]
}

function stateOf(answer: string): State | undefined {
  if (answer === 'EN\r\n') return undefined
  const [, cas, ttl, value] = /^VA \d+ c(\d+) t(-?\d+) s\d+\r\n(.*)\r\n$/s.exec(answer) ?? []
  if (value === undefined) throw new Error(`no answer: ${answer.slice(0, 100)}`)
  const seconds = Number(ttl)
  // Of all kills together hardly ten minutes may go by.
  if (seconds !== -1) expect(seconds).toBeGreaterThan(TTL_SECONDS - 600)
  return { value: value.trimEnd(), expires: seconds !== -1, cas }
}

/** Pages change their classes all the time. */
async function movePages(wire: Wire): Promise<void> {
  try {
    for (;;) await wire.say(`slabs reassign -1 ${1 + draw(39)}\r\n`)
  } catch {
    // The server is gone.
  }
}

test(
  'nothing that was answered is torn, wrong or back from the dead',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'memshard-'))
    // Without evictions, by which a page that moves makes room: what is lost then is lost by the kill.
    const args = ['-e', join(directory, 'items'), '-m', '96', '-t', '3', '-M']
    const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(`client${i}`))
    try {
      let survivors = 0
      for (let kill = 0; kill <= KILLS; kill++) {
        await using node = await startNode({ args })
        if (kill > 0) expect(node.output()).not.toContain('starts cold')
        const [found, lost] = await check(node, clients)
        survivors += found
        // What a page move or a change in place was busy with just then.
        expect(lost, `keys lost by kill ${kill}`).toBeLessThanOrEqual(2)
        const wires = await Promise.all(clients.map(() => Wire.connect(node)))
        const mover = await Wire.connect(node)
        if (kill % 4 === 3) {
          await mover.say('flush_all\r\n')
          for (const client of clients) client.forget()
        }
        const loads = clients.map((client, i) => client.load(wires[i]))
        const moving = movePages(mover)
        await sleep(20 + draw(LONGEST_LOAD_MS))
        expect(await node.stop('SIGKILL')).toBe('SIGKILL')
        await Promise.all([...loads, moving])
        for (const wire of [...wires, mover]) wire.destroy()
      }
      expect(survivors).toBeGreaterThan(KILLS * 50)
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
  60_000 + KILLS * 15_000,
)
